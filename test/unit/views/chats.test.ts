import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Chats } from '../../../src/views/chats.ts';
import { useChatWindows } from '../../support/chatWindow.ts';

describe('the chats of a window', () => {
  const { started } = useChatWindows();

  it('show a conversation each, and commands mean that of the one used last', async () => {
    const { create, makeChat } = await started();
    const [one, two] = [await create('One'), await create('Two')];
    const chats = new Chats(makeChat);
    const told: (string | null)[] = [];
    chats.events.on('selected', (id) => told.push(id));
    chats.view.select(one.id);
    const editor = chats.open();
    editor.select(two.id);
    assert.deepEqual([chats.current.selected, told], [one.id, [one.id]]);
    await editor.handle('focused', {});
    assert.deepEqual([chats.current.selected, told], [two.id, [one.id, two.id]]);
    chats.close(editor);
    assert.deepEqual([chats.current, told, chats.all], [chats.view, [one.id, two.id, one.id], [chats.view]]);
  });

  it('hear nothing any more when they are closed', async () => {
    const { client, create, history, makeChat } = await started();
    const { id } = await create();
    const chats = new Chats(makeChat);
    const heard = () => [client.events.listenerCount('stream'), history.events.listenerCount('changes')];
    const before = heard();
    const editor = chats.open();
    const posted: string[] = [];
    editor.attach(async ({ type }) => posted.push(type));
    editor.select(id);
    chats.close(editor);
    posted.length = 0;
    assert.deepEqual(heard(), before);
    const changed = once(history.events, 'changes');
    await client.request('message/add', { conversationId: id, role: 'user', content: 'text' });
    await changed;
    assert.deepEqual(posted, []);
  });
});

describe('what other windows show', () => {
  const { started } = useChatWindows();

  /** Two windows with the same conversation, and a wait until the first one says how many others show it. */
  async function both() {
    const [one, two] = [await started(), await started()];
    const { id } = await one.create();
    one.chat.select(id);
    two.chat.select(id);
    const told = (windows: number) => one.told('view', ({ view }) => view.otherWindows === windows);
    await told(1);
    await two.told('view', ({ view }) => view.otherWindows === 1);
    one.posted.length = 0;
    return { one, two, id, told };
  }

  it('is told to a panel that shows it too, until they turn away or end', async () => {
    const { one, two, id, told } = await both();
    two.chat.select(null);
    await told(0);
    two.chat.select(id);
    await told(1);
    one.posted.length = 0;
    await two.client.dispose();
    await told(0);
  });

  it('is told again after the instance was started anew', async () => {
    const { two, told } = await both();
    two.posted.length = 0;
    two.client.restart();
    await told(0);
    await told(1);
    await two.told('view', ({ view }) => view.otherWindows === 1);
  });
});
