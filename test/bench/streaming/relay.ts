// The floor of a stream: passes bytes on, from standard input to every connection, or from a connection to standard
// output. No framing, no checks, no database.
import { createConnection, createServer, type Socket } from 'node:net';

const [role, path = ''] = process.argv.slice(2);

if (role === 'writer') {
  const readers = new Set<Socket>();
  createServer((socket) => readers.add(socket)).listen(path, () => process.send?.('ready'));
  process.stdin.on('data', (chunk) => {
    for (const reader of readers) reader.write(chunk);
  });
} else {
  const socket = createConnection(path, () => process.send?.('ready'));
  socket.on('data', (chunk) => process.stdout.write(chunk));
}
process.stdin.resume().once('end', () => process.exit());
