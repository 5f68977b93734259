import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { History } from '../../../src/views/history.ts';
import { useChatWindows } from '../../support/chatWindow.ts';

/** Resolves when a conversation has so many unread messages. */
async function unread(history: History, id: string, count: number): Promise<void> {
  while (history.get(id)?.unread !== count) await once(history.events, 'updated');
}

describe('what was read', () => {
  const { started } = useChatWindows();

  type Window = Awaited<ReturnType<typeof started>>;

  /** Resolves when another window has marked something else as read, by when this one would have done so too. */
  async function readElsewhere({ client }: Window, { chat, history, create }: Window): Promise<void> {
    const { id: conversationId } = await create('Other');
    await client.request('message/add', { conversationId, role: 'assistant', content: 'more' });
    await unread(history, conversationId, 1);
    await chat.handle('seen', { conversationId, seq: 1 });
    await unread(history, conversationId, 0);
  }

  async function twoWindows() {
    const [one, two] = [await started(), await started()];
    const { id } = await one.create();
    const tell = (content: string) =>
      two.client.request('message/add', { conversationId: id, role: 'assistant', content });
    one.chat.select(id);
    return { one, two, id, tell };
  }

  it('in one window is read in all', async () => {
    const { one, two, id, tell } = await twoWindows();
    const { seq } = await tell('news');
    await Promise.all([unread(one.history, id, 1), unread(two.history, id, 1)]);
    assert.equal(two.history.unread(), 1);
    await one.chat.handle('seen', { conversationId: id, seq });
    await Promise.all([unread(one.history, id, 0), unread(two.history, id, 0)]);
    assert.equal(two.history.unread(), 0);
  });

  it('is nothing while the user is away, and all that is on screen after coming back', async () => {
    const { one, two, id, tell } = await twoWindows();
    one.user.isHere = false;
    const { seq } = await tell('news');
    await unread(one.history, id, 1);
    await one.chat.handle('seen', { conversationId: id, seq });
    await readElsewhere(one, two);
    assert.equal(one.history.get(id)?.unread, 1);
    one.user.isHere = true;
    one.chat.lookForRead();
    await unread(one.history, id, 0);
  });

  it('is nothing of a conversation that is no longer shown', async () => {
    const { one, two, id, tell } = await twoWindows();
    const { seq } = await tell('news');
    await unread(one.history, id, 1);
    await one.chat.handle('seen', { conversationId: id, seq });
    one.chat.select(null);
    await readElsewhere(one, two);
    assert.equal(one.history.get(id)?.unread, 1);
  });

  it('is marked once for many messages, and not past what is on screen', async () => {
    const { one, id, tell } = await twoWindows();
    const reads: string[] = [];
    one.history.events.on('changes', (changes) => {
      reads.push(...changes.filter(({ changeType }) => changeType === 'ConversationRead').map(({ id: at }) => `${at}`));
    });
    for (let seq = 1; seq <= 20; seq++) {
      await tell(`message ${seq}`);
      await one.chat.handle('seen', { conversationId: id, seq });
    }
    await unread(one.history, id, 0);
    assert.ok(reads.length < 20, `${reads.length} marks`);
    await tell('below the screen');
    await one.chat.handle('seen', { conversationId: id, seq: null });
    await unread(one.history, id, 1);
    one.chat.select(null);
    assert.equal(one.history.get(id)?.lastReadSeq, 20);
  });
});
