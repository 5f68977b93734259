import Sqlite from 'better-sqlite3';
import { v7 as uuid } from 'uuid';
import { Database } from '../../../src/store/database.ts';

/** One message in so many goes to a small conversation, the others to the large one. */
const SMALL_SHARE = 10;

/** Messages of a small conversation. */
const SMALL = 50;

/** Messages that share a rare word. */
const RARE = 20;

/** One message in so many holds the frequent word. */
const FREQUENT = 100;

const VOCABULARY = 20_000;
const WORDS = 40;

export const FREQUENT_WORD = 'weekly';

/** Number of rare words in so many messages. */
export const rareWords = (messages: number): number => messages / RARE;

export const rareWord = (index: number): string => `topic${index}x`;

const conversationId = (index: number): string => `00000000-0000-7000-8000-${String(index).padStart(12, '0')}`;

/** Id of the conversation that holds most of the messages. */
export const LARGE = conversationId(0);

/**
 * Fills a database from one number of messages up to another, under the product's own schema, in one transaction.
 * The change log stays empty, as after pruning.
 */
export async function fill(path: string, from: number, to: number): Promise<void> {
  const db = await Database.open(path);
  await db.close();
  const sqlite = new Sqlite(path);
  // Nobody else is there, and nothing of it has to survive a power loss.
  sqlite.pragma('synchronous = OFF');
  const conversation = sqlite.prepare(
    `INSERT INTO conversations(id, title, source, created_at, updated_at) VALUES (?, ?, 'chat', ?, ?)`,
  );
  const message = sqlite.prepare(
    `INSERT INTO messages(id, conversation_id, seq, role, content, status, created_at, updated_at)
     VALUES (?, ?, ?, 'user', ?, 'complete', ?, ?)`,
  );
  const add = (number: number) => {
    const { index, seq } = place(number);
    const id = conversationId(index);
    if (seq === 1) conversation.run(id, `Talk ${index}`, number, number);
    message.run(uuid(), id, seq, text(number), number, number);
  };
  sqlite.transaction(() => {
    for (let number = from + 1; number <= to; number++) add(number);
    sqlite.exec(
      `UPDATE conversations SET last_seq =
         (SELECT coalesce(max(seq), 0) FROM messages WHERE conversation_id = conversations.id)`,
    );
  })();
  sqlite.close();
}

/** Where the message goes that is the `number`-th of all, from 1. */
function place(number: number): { index: number; seq: number } {
  const small = Math.floor(number / SMALL_SHARE);
  if (number % SMALL_SHARE !== 0) return { index: 0, seq: number - small };
  return { index: Math.ceil(small / SMALL), seq: ((small - 1) % SMALL) + 1 };
}

/** Words of which a few are in most texts and most in few, as in a language. */
function text(number: number): string {
  const words = Array.from({ length: WORDS }, () => `w${Math.floor(VOCABULARY * Math.random() ** 3).toString(36)}`);
  words.push(rareWord(Math.floor((number - 1) / RARE)));
  if (number % FREQUENT === 0) words.push(FREQUENT_WORD);
  return words.join(' ');
}
