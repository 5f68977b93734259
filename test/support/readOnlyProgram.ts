// Opens the database named on the command line and prints what can be done with it, for tests that need another user.
import { v7 as uuid } from 'uuid';
import { createConversation } from '../../src/store/conversations.ts';
import { Database } from '../../src/store/database.ts';
import { isWritable } from '../../src/store/readOnly.ts';
import { verify } from '../../src/store/verify.ts';

const path = process.argv[2] ?? '';
const db = await Database.open(path, () => []);
const refused = await createConversation(db, uuid(), {}).then(
  () => '',
  (error: { reason: string }) => error.reason,
);
const texts = db.sql('SELECT content FROM messages').pluck().all();
const { problems } = await verify(db, uuid(), false);
process.stdout.write(
  JSON.stringify({ reason: db.readOnlyReason, texts, refused, isWritable: isWritable(path), problems }),
);
await db.close();
