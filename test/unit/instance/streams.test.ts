import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Message, StreamPiece } from '../../../src/protocol/model.ts';
import type { Notifications, SyncStatus } from '../../../src/protocol/rpc.ts';
import { useInstances } from '../../support/instances.ts';

describe('streams between instances', () => {
  const instances = useInstances();

  async function two() {
    const writer = await instances.start('writer');
    const reader = await instances.start('reader');
    await writer.rpc.notified<SyncStatus>('status', ({ peers }) => peers.length === 1);
    const { id: conversationId } = await writer.rpc.request<{ id: string }>('conversation/create', { title: 'Reply' });
    const message = await writer.rpc.request<Message>('stream/start', { conversationId, model: 'a model' });
    const append = (text: string) => writer.rpc.request('stream/append', { messageId: message.id, text });
    const stored = async () => {
      const range = { conversationId, fromSeq: 1, toSeq: 1 };
      const { messages } = await reader.rpc.request<{ messages: Message[] }>('message/range', range);
      return messages[0];
    };
    const updated = (count: number) =>
      reader.rpc.notified<Notifications['change']>('change', ({ changes }) =>
        changes.some(({ changeType }) => changeType === 'MessageUpdated' && --count === 0),
      );
    return { writer, reader, message, append, stored, updated };
  }

  it('show each piece to the sibling, and end in one complete row', async () => {
    const { writer, reader, message, append, stored } = await two();
    assert.equal(message.status, 'streaming');
    assert.deepEqual(await append('Hello '), { length: 6 });
    await append('wörld 🙂');
    const second = await reader.rpc.notified<StreamPiece>('stream', ({ offset }) => offset === 6);
    assert.equal(second.text, 'wörld 🙂');
    assert.equal(second.messageId, message.id);
    await writer.rpc.request('stream/finish', { messageId: message.id });
    const row = await stored();
    assert.deepEqual([row?.content, row?.status, row?.model], ['Hello wörld 🙂', 'complete', 'a model']);
    await assert.rejects(append('too late'), { data: { reason: 'not-found' } });
  });

  it('are found ended by who asks again because the answer was lost, and by nobody who wants another end', async () => {
    const { writer, message, append } = await two();
    const finish = (status: string) => writer.rpc.request<Message>('stream/finish', { messageId: message.id, status });
    await append('all of it');
    const ended = await finish('complete');
    assert.deepEqual(await finish('complete'), ended);
    await assert.rejects(finish('interrupted'), { data: { reason: 'not-found' } });
  });

  it('keep what was stored when the writer is killed, and call it interrupted', async () => {
    const { writer, append, stored, updated } = await two();
    await append('kept');
    await updated(1);
    writer.rpc.child.kill('SIGKILL');
    await updated(2);
    const row = await stored();
    assert.deepEqual([row?.content, row?.status], ['kept', 'interrupted']);
  });

  it('are interrupted, with all their text, when the writer leaves in good order', async () => {
    const { writer, append, stored, updated } = await two();
    await append('all of it');
    writer.rpc.child.stdin.end();
    await updated(1);
    await writer.rpc.exited;
    const row = await stored();
    assert.deepEqual([row?.content, row?.status], ['all of it', 'interrupted']);
  });

  it('end when their message is deleted', async () => {
    const { reader, writer, message, append } = await two();
    await append('unwanted');
    await reader.rpc.request('message/delete', { messageId: message.id });
    await assert.rejects(writer.rpc.request('stream/finish', { messageId: message.id }), {
      data: { reason: 'deleted' },
    });
  });
});
