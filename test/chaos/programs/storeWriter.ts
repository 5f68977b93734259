// Writes messages into a database until it is killed, and says on standard output what it begins and what was stored:
//   storeWriter FILE CONVERSATION SEED [NORMAL]
import { writeSync } from 'node:fs';
import { v7 as uuid } from 'uuid';
import { serialiseError } from '../../../src/protocol/errors.ts';
import type { Message } from '../../../src/protocol/model.ts';
import { createConversation } from '../../../src/store/conversations.ts';
import { Database } from '../../../src/store/database.ts';
import { addMessage, updateMessage } from '../../../src/store/messages.ts';
import { Random } from '../../support/random.ts';
import { textOf } from '../text.ts';
import { monotonicTime } from '../time.ts';

/**
 * A line of the report, with its time in ms of the system's monotonic clock: synchronous, so that it is out before the
 * process can be killed.
 */
function say(line: object): void {
  writeSync(1, `${JSON.stringify({ at: monotonicTime(), ...line })}\n`);
}

async function attempt(write: Promise<Message>): Promise<Message | undefined> {
  try {
    const message = await write;
    const { seq, revision } = message;
    say({ result: 'ok', seq, revision });
    return message;
  } catch (error) {
    say({ result: 'fail', reason: serialiseError(error).reason });
    return undefined;
  }
}

async function main([path = '', conversationId = '', seed = '', synchronous = 'FULL']: string[]): Promise<void> {
  const [random, origin] = [new Random(Number(seed), 'writer'), uuid()];
  say({ op: 'open' });
  const db = await Database.open(path);
  db.sql(`PRAGMA synchronous = ${synchronous}`).run();
  say({ result: 'ok' });
  say({ op: 'create', conversation: conversationId });
  await createConversation(db, origin, { id: conversationId });
  say({ result: 'ok' });
  for (;;) {
    const message = uuid();
    const first = textOf(message, random);
    say({ op: 'add', conversation: conversationId, message, hash: first.hash });
    const added = await attempt(
      addMessage(db, origin, { conversationId, id: message, role: 'user', content: first.content }),
    );
    if (!added || random.next() < 0.7) continue;
    const second = textOf(message, random);
    say({ op: 'update', conversation: conversationId, message, hash: second.hash });
    await attempt(updateMessage(db, origin, { messageId: message, content: second.content }));
  }
}

void main(process.argv.slice(2));
