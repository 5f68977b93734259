import assert from 'node:assert/strict';
import { signal } from '@preact/signals';
import { DevChatError } from '../../../src/protocol/errors.ts';
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
});
