import { watch as watchFile } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import type Sqlite from 'better-sqlite3';
import { BroadcastChannel as PackagedChannel } from 'broadcast-channel';
import { v7 as uuid } from 'uuid';
import { Workspace } from '../../../src/instance/workspace.ts';
import { createConversation } from '../../../src/store/conversations.ts';
import { addMessage } from '../../../src/store/messages.ts';
import { openTable } from '../table.ts';
import type { OpenContender } from './messages.ts';

const DEBOUNCE = 150;

/** The product itself: a workspace in each process. */
const product: OpenContender = async (path, role, applied) => {
  const self = { instanceId: uuid(), editor: role, version: 'bench', pid: process.pid };
  const notify = (name: string, params: unknown) => {
    if (name !== 'change' || role !== 'reader') return;
    for (const { changeType, seq } of (params as { changes: { changeType: string; seq: number }[] }).changes) {
      if (changeType === 'MessageAdded') applied(seq - 1);
    }
  };
  const workspace = await Workspace.open(
    path,
    self,
    { notify, replaced: () => undefined },
    { log: () => undefined, leads: true },
  );
  await workspace.settled();
  const conversation = role === 'writer' ? await createConversation(workspace.db, self.instanceId, {}) : undefined;
  return {
    write: async (index) => {
      if (!conversation) return;
      const content = `message ${index}`;
      await addMessage(workspace.db, self.instanceId, { conversationId: conversation.id, role: 'user', content });
    },
    tell: () => workspace.committed(),
    close: () => workspace.close(),
  };
};

/** Reads what is new each time it is called. */
function tail(sqlite: Sqlite.Database, applied: (index: number) => void): () => void {
  const select = sqlite.prepare<[number], { id: number }>('SELECT * FROM rows WHERE id > ? ORDER BY id');
  let cursor = 0;
  return () => {
    for (const { id } of select.all(cursor)) {
      cursor = id;
      applied(id - 1);
    }
  };
}

/** A bare table, told of by `tell`; the floor and the rivals differ only in that. */
function table(
  tell: (path: string) => { changed(): void; close(): unknown },
  hear: (path: string, look: () => void) => () => unknown,
): OpenContender {
  return async (path, role, applied) => {
    const sqlite = openTable(path);
    if (role === 'reader') {
      const stop = hear(path, tail(sqlite, applied));
      return {
        close: async () => {
          await stop();
          sqlite.close();
        },
      };
    }
    const insert = sqlite.prepare('INSERT INTO rows(text) VALUES (?)');
    const teller = tell(path);
    return {
      write: async (index) => {
        insert.run(`message ${index}`);
      },
      tell: () => teller.changed(),
      close: async () => {
        await teller.close();
        sqlite.close();
      },
    };
  };
}

function listen(path: string, look: () => void): () => void {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('data', look));
  }).listen(`${path}.sock`);
  return () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
}

/** One byte on an open socket per commit. */
const floor = table((path) => {
  const socket = createConnection(`${path}.sock`);
  return { changed: () => socket.write('!'), close: () => socket.destroy() };
}, listen);

/** A new connection per ping, after a pause in which more changes may come. */
const debounce = table((path) => {
  let timer: NodeJS.Timeout | undefined;
  const ping = () =>
    createConnection(`${path}.sock`, function (this: Socket) {
      this.end('!');
    });
  return {
    changed: () => {
      clearTimeout(timer);
      timer = setTimeout(ping, DEBOUNCE);
    },
    close: () => clearTimeout(timer),
  };
}, listen);

/** Nobody tells. */
const silent = () => ({ changed: () => undefined, close: () => undefined });

/** The reader asks again and again, each `interval` ms. */
const poll = (interval: number) =>
  table(silent, (_, look) => {
    const timer = setInterval(look, interval);
    return () => clearInterval(timer);
  });

/**
 * The operating system tells of writes to the write-ahead log. They come before the commit is visible, and nothing
 * comes after: the reader looks at once, and again after 1, 2, 4, … 1024 ms.
 */
const watch = table(silent, (path, look) => {
  let timer: NodeJS.Timeout;
  const lookAgain = (pause: number) => {
    look();
    clearTimeout(timer);
    if (pause <= 1024) timer = setTimeout(lookAgain, pause, 2 * pause);
  };
  const watcher = watchFile(`${path}-wal`, () => lookAgain(1));
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
});

/** The npm package that does this for Node.js processes: a file per message, and a ping over a socket. */
const broadcast = table(
  (path) => {
    const channel = new PackagedChannel(path, { type: 'node' });
    return { changed: () => void channel.postMessage('!'), close: () => channel.close() };
  },
  (path, look) => {
    const channel = new PackagedChannel(path, { type: 'node' });
    channel.onmessage = look;
    return () => channel.close();
  },
);

/** By name, the floor first. */
export const contenders = { floor, product, broadcast, watch, poll100: poll(100), poll1000: poll(1000), debounce };
export type ContenderName = keyof typeof contenders;
