// One window's process: commits each line that its host sends, as durable as a message, and passes it on to the others.
const { randomUUID } = require('node:crypto');
const { readdirSync } = require('node:fs');
const { createConnection, createServer } = require('node:net');
const { join } = require('node:path');
const Sqlite = require(process.env['BARE_CHAT_SQLITE'] ?? '');

const folder = process.env['BARE_CHAT'] ?? '';
const sqlite = new Sqlite(join(folder, 'lines.db'));
sqlite.pragma('journal_mode = WAL');
sqlite.pragma('synchronous = FULL');
sqlite.exec('CREATE TABLE IF NOT EXISTS lines(id INTEGER PRIMARY KEY, text TEXT)');
const insert = sqlite.prepare('INSERT INTO lines(text) VALUES (?)');

/** @type {Set<import('node:net').Socket>} */
const others = new Set();
/** @param {import('node:net').Socket} socket */
const adopt = (socket) => {
  others.add(socket.setEncoding('utf8').setNoDelay(true));
  socket.on('data', (text) => process.send?.(text)).on('error', () => others.delete(socket));
};
for (const name of readdirSync(folder).filter((one) => one.endsWith('.sock')))
  adopt(createConnection(join(folder, name)));
createServer(adopt).listen(join(folder, `${randomUUID().slice(0, 8)}.sock`));

process.on('message', (/** @type {string} */ text) => {
  insert.run(text);
  for (const other of others) other.write(text);
});
process.on('disconnect', () => process.exit());
