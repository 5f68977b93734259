// Adds a message and dies before so many steps of it, a step being a statement or what follows the commit; says
// “stored” when the message was acknowledged: killProgram FILE CONVERSATION MESSAGE STEPS
import { writeSync } from 'node:fs';
import { Database } from '../../../src/store/database.ts';
import { addMessage } from '../../../src/store/messages.ts';

const [, , path = '', conversationId = '', id = '', steps = ''] = process.argv;
const db = await Database.open(path);
const sql = db.sql.bind(db);
let left = Number(steps);

function step(): void {
  if (left-- === 0) process.kill(process.pid, 'SIGKILL');
}

db.sql = (text) => {
  step();
  return sql(text);
};
await addMessage(db, '', { conversationId, id, role: 'user', content: 'text' });
step();
writeSync(1, 'stored');
step();
await db.close();
