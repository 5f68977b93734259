// One writing window, in a process of its own: writes one message after the other, each when the one before is stored.
import type { BenchFolder } from '../folder.ts';
import { startInstance } from '../instances.ts';
import { openTable } from '../table.ts';

/** A way to write; `write` resolves when the message is durable. */
interface Writer {
  write(text: string): Promise<unknown>;
  close(): Promise<unknown>;
}

const writers = {
  /** What an extension host does. */
  async product(folder: BenchFolder): Promise<Writer> {
    const { client } = await startInstance(folder);
    const { id: conversationId } = await client.request('conversation/create', { title: 'Measured' });
    return {
      write: (content) => client.request('message/add', { conversationId, role: 'user', content }),
      close: () => client.dispose(),
    };
  },
  /** An insert and nothing else. */
  async bare({ database }: BenchFolder): Promise<Writer> {
    const sqlite = openTable(database);
    const insert = sqlite.prepare('INSERT INTO rows(text) VALUES (?)');
    const write = sqlite.transaction((text: string) => insert.run(text));
    return { write: async (text) => write.immediate(text), close: async () => sqlite.close() };
  },
};

export type WriterName = keyof typeof writers;

const [name, database] = process.argv.slice(2) as [WriterName, string];
const writer = await writers[name]({ database, env: process.env });

process.once('message', async (until: number) => {
  const waits: number[] = [];
  for (let index = 0; Date.now() < until; index++) {
    const before = performance.now();
    await writer.write(`message ${index}`);
    waits.push(performance.now() - before);
  }
  process.send?.(waits, () => process.disconnect());
  await writer.close();
});
process.send?.('ready');
