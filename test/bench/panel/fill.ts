import Sqlite from 'better-sqlite3';
import { v7 as uuid } from 'uuid';

/** Adds a conversation with so many messages of usual kinds to a history; windows see it when they are loaded again. */
export function fillConversation(path: string, title: string, messages: number): void {
  const sqlite = new Sqlite(path);
  const id = uuid();
  const now = Date.now();
  const add = sqlite.prepare(
    `INSERT INTO messages(id, conversation_id, seq, role, content, status, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, 'complete', ?, ?)`,
  );
  sqlite.transaction(() => {
    sqlite
      .prepare(
        `INSERT INTO conversations(id, title, source, last_seq, last_read_seq, created_at, updated_at)
         VALUES (?, ?, 'chat', ?, ?, ?, ?)`,
      )
      .run(id, title, messages, messages, now, now);
    for (let seq = 1; seq <= messages; seq++)
      add.run(uuid(), id, seq, seq % 2 ? 'user' : 'assistant', textOf(seq), now, now);
  })();
  sqlite.close();
}

/** Questions of a line, and answers of a few paragraphs, some with a list, some with code. */
function textOf(seq: number): string {
  if (seq % 2 === 1) return `Why does step ${seq} of the build fail on the second machine?`;
  const words = Array.from({ length: 30 }, (_, index) => `word${(seq * 31 + index * 7) % 997}`).join(' ');
  const list = seq % 4 === 0 ? '\n\n- one *item*\n- another with `code`\n- the last' : '';
  const code = seq % 10 === 0 ? '\n\n```ts\nconst lock = await take(path);\nreturn lock.release();\n```' : '';
  return `**Step ${seq}** fails because ${words}.\n\n${words}${list}${code}`;
}
