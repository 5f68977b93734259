import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { BenchFolder } from '../folder.ts';
import { startSiblings } from '../instances.ts';
import { end, nextMessage, spawnProbed } from '../processes.ts';

/** Windows that look on. */
export const READERS = 3;

/** Every piece is of this length, so that its place in the stream tells which one it is. */
const PIECE = 'token ';

/** One process that is given a stream and as many as {@link READERS} that pass it on to who looks on. */
export interface Contender {
  /** The writer first. */
  processes: ChildProcess[];
  /** Hands the writer the next piece. */
  send(): void;
  close(): Promise<void>;
}

/** Opens a contender; it calls `arrived` with every piece, counted from 0, that comes out of a reader. */
type OpenContender = (folder: BenchFolder, arrived: (index: number) => void) => Promise<Contender>;

const product: OpenContender = async (folder, arrived) => {
  const siblings = await startSiblings(folder, 1 + READERS);
  const [{ client: writer }, ...readers] = siblings;
  const { id: conversationId } = await writer.request('conversation/create', {});
  const { id: messageId } = await writer.request('stream/start', { conversationId });
  for (const { client } of readers) {
    client.events.on('stream', ({ offset, text }) => {
      for (let at = offset; at < offset + text.length; at += PIECE.length) arrived(at / PIECE.length);
    });
  }
  const answers: Promise<unknown>[] = [];
  return {
    processes: siblings.map(({ child }) => child),
    send: () => void answers.push(writer.request('stream/append', { messageId, text: PIECE })),
    async close() {
      await Promise.all(answers);
      await writer.request('stream/finish', { messageId });
      await Promise.all(siblings.map(({ client }) => client.dispose()));
    },
  };
};

const relay: OpenContender = async ({ database, env }, arrived) => {
  const program = join(import.meta.dirname, 'relay.ts');
  const start = async (role: 'writer' | 'reader') => {
    const child = spawnProbed([program, role, `${database}.sock`], env);
    await nextMessage(child);
    return child;
  };
  const writer = await start('writer');
  const readers = await Promise.all(Array.from({ length: READERS }, () => start('reader')));
  for (const { stdout } of readers) {
    let next = 0;
    let length = 0;
    stdout?.on('data', (chunk: Buffer) => {
      length += chunk.length;
      for (; next < Math.floor(length / PIECE.length); next++) arrived(next);
    });
  }
  return {
    processes: [writer, ...readers],
    send: () => void writer.stdin?.write(PIECE),
    close: async () => void (await Promise.all([writer, ...readers].map(end))),
  };
};

export const contenders = { relay, product };
