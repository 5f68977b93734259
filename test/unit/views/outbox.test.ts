import assert from 'node:assert/strict';
import { signal } from '@preact/signals';
import fc from 'fast-check';
import { DevChatError, type Reason } from '../../../src/protocol/errors.ts';
import { Outbox, type OutboxEntry } from '../../../src/views/webview/outbox.ts';
import { messageAt, settled } from './messages.ts';

function entry(content: string): OutboxEntry {
  return { conversationId: 'c', messageId: content, content };
}

function setUp(waiting: OutboxEntry[] = []) {
  const entries = signal(waiting);
  const host = { failure: null as Error | null, sent: [] as string[] };
  const stored: string[] = [];
  const outbox = new Outbox({
    entries,
    setEntries: (next) => {
      entries.value = next;
    },
    send: async ({ messageId, content }) => {
      host.sent.push(content);
      if (host.failure) throw host.failure;
      return messageAt(1, { id: messageId, content });
    },
    isReady: () => false,
    onStored: ({ content }) => stored.push(content),
  });
  return { outbox, entries, host, stored };
}

describe('outbox of the panel', () => {
  it('posts in the order written, without waiting, and forgets what is stored', async () => {
    const { outbox, entries, host, stored } = setUp();
    for (const content of ['a', 'b', 'c']) outbox.add(entry(content));
    assert.deepEqual(host.sent, ['a', 'b', 'c']);
    await settled();
    assert.deepEqual(stored, ['a', 'b', 'c']);
    assert.deepEqual(entries.value, []);
  });

  it('sends again what passed by itself, before anything newer', async () => {
    const { outbox, host, entries } = setUp([entry('a'), entry('b')]);
    host.failure = new DevChatError('instance-stopped', 'stopped');
    outbox.flush();
    await settled();
    assert.deepEqual([...outbox.failures.value.keys()], ['a', 'b']);
    host.failure = null;
    host.sent = [];
    outbox.add(entry('c'));
    await settled();
    assert.deepEqual(host.sent, ['a', 'b', 'c']);
    assert.deepEqual([entries.value, outbox.failures.value.size], [[], 0]);
  });

  it('keeps what needs the writer until asked', async () => {
    const { outbox, host, entries } = setUp();
    host.failure = new DevChatError('too-large', 'too large');
    outbox.add(entry('a'));
    await settled();
    host.failure = null;
    outbox.flush();
    assert.deepEqual(host.sent, ['a']);
    assert.equal(outbox.failures.value.get('a')?.reason, 'too-large');
    outbox.retry(entry('a'));
    await settled();
    assert.deepEqual(entries.value, []);
  });

  it('sends nothing twice at a time, forgets nothing before it is stored, and keeps the order it was written in', async () => {
    const steps = fc.array(fc.constantFrom('add', 'flush', 'retry', 'pass'), { minLength: 1, maxLength: 15 });
    const fates = fc.infiniteStream(fc.constantFrom<(Reason | null)[]>(null, null, 'instance-stopped', 'too-large'));
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), steps, fates, async (scheduler, kinds, stream) => {
        const entries = signal<OutboxEntry[]>([]);
        const [inFlight, doubled, stored]: [Set<string>, string[], string[]] = [new Set(), [], []];
        const first: string[] = [];
        let isOver = false;
        const outbox = new Outbox({
          entries,
          setEntries: (next) => {
            entries.value = next;
          },
          send: async ({ messageId, content }) => {
            if (inFlight.has(messageId)) doubled.push(messageId);
            if (!first.includes(messageId)) first.push(messageId);
            inFlight.add(messageId);
            await scheduler.schedule(Promise.resolve());
            inFlight.delete(messageId);
            const reason = isOver ? null : (stream.next().value ?? null);
            if (reason !== null) throw new DevChatError(reason, 'failed');
            stored.push(messageId);
            return messageAt(1, { id: messageId, content });
          },
          isReady: () => false,
          onStored: () => undefined,
        });
        const written: string[] = [];
        for (const kind of kinds) {
          if (kind === 'add') {
            written.push(`m${written.length}`);
            outbox.add(entry(written.at(-1) ?? ''));
          } else if (kind === 'flush') outbox.flush();
          else if (kind === 'retry' && entries.value[0]) outbox.retry(entries.value[0]);
          else if (scheduler.count() > 0) await scheduler.waitOne();
          const waiting = entries.value.map(({ messageId }) => messageId);
          assert.deepEqual(
            [...waiting, ...stored].filter((id, index, all) => all.indexOf(id) === index).sort(),
            written.toSorted(),
          );
        }
        await scheduler.waitIdle();
        isOver = true;
        for (const one of entries.value) outbox.retry(one);
        await scheduler.waitIdle();
        assert.deepEqual([entries.value, outbox.failures.value.size, doubled], [[], 0, []]);
        assert.deepEqual([first, [...new Set(stored)].sort()], [written, written.toSorted()]);
      }),
    );
  });
});
