// The floor of reading transcripts: parses every line, and inserts its text under a full-text index, in one thread. It
// knows neither messages nor conversations, keeps nothing but the text, and could not go on after a crash.
//   node floor.ts DATABASE DIRECTORY trigger|direct     how a row gets into the index
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';

/** Lines per transaction. */
const LINES = 1000;

/** How much of a text is indexed, in UTF-16 code units, as in the product. */
const MAX_TEXT = 10_000;

const [database = '', directory = '', way] = process.argv.slice(2);
const sqlite = new Sqlite(database);
sqlite.pragma('journal_mode = WAL');
sqlite.pragma('synchronous = FULL');
sqlite.pragma('wal_autocheckpoint = 12000');
sqlite.pragma('cache_size = -16000');
sqlite.exec(`
  CREATE TABLE rows(id INTEGER PRIMARY KEY, text TEXT NOT NULL);
  CREATE VIRTUAL TABLE row_index USING fts5(
    text, content='rows', content_rowid='id', tokenize="unicode61 remove_diacritics 2 tokenchars '_'")`);
if (way === 'trigger') {
  sqlite.exec(`CREATE TRIGGER row_index_insert AFTER INSERT ON rows BEGIN
    INSERT INTO row_index(rowid, text) VALUES (new.id, new.text);
  END`);
}

const insert = sqlite.prepare('INSERT INTO rows(text) VALUES (?)');
const index = sqlite.prepare('INSERT INTO row_index(rowid, text) VALUES (?, ?)');
const insertAll = sqlite.transaction((lines: readonly string[]) => {
  for (const line of lines) {
    const text = textOf(JSON.parse(line).message.content).slice(0, MAX_TEXT);
    const { lastInsertRowid } = insert.run(text);
    if (way === 'direct') index.run(lastInsertRowid, text);
  }
});

const started = performance.now();
for (const name of readdirSync(directory)) {
  const lines = readFileSync(join(directory, name), 'utf8').split('\n').slice(0, -1);
  for (let at = 0; at < lines.length; at += LINES) insertAll.immediate(lines.slice(at, at + LINES));
}
process.send?.(performance.now() - started);
sqlite.close();
process.disconnect();

/** What of a record's content is shown: texts, the commands that were called, and their outputs. */
function textOf(content: string | Record<string, unknown>[]): string {
  if (typeof content === 'string') return content;
  const texts = content.map(
    ({ text, content: output, input }) => text ?? output ?? (input as { command?: string })?.command,
  );
  return texts.filter((text) => text !== undefined).join('\n\n');
}
