import assert from 'node:assert/strict';
import Sqlite from 'better-sqlite3';
import { after, afterEach, before, describe, it } from 'mocha';
import type { Conversation, Message } from '../../src/protocol/model.ts';
import type { ChatPanel } from '../support/chatPanel.ts';
import type { EditorWindow } from '../support/editorWindow.ts';
import { type OneWindow, openOneWindow } from '../support/oneWindow.ts';
import { PanelChannel } from '../support/panelChannel.ts';
import { signalInstances } from '../support/processes.ts';
import { showTheme } from '../support/themeKinds.ts';

describe('a panel that lacks messages', () => {
  let one: OneWindow;
  let window: EditorWindow;
  let panel: ChatPanel;
  let channel: PanelChannel;
  let conversationId: string;

  before(async function () {
    this.timeout(120_000);
    one = await openOneWindow({ prepare: (opened) => PanelChannel.install(opened) });
    ({ window, panel } = one);
    await panel.send('Message 1');
    await panel.message('Message 1').waitFor();
    const { conversations } = await one.sibling.request<{ conversations: Conversation[] }>('conversation/list');
    conversationId = conversations[0]?.id ?? assert.fail('no conversation');
    for (let index = 2; index <= 6; index++) await add(`Message ${index}`);
    await panel.message('Message 6').waitFor();
    channel = await PanelChannel.of(panel);
  });
  after(() => one?.close());

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await window.screenshot(`failed-${this.currentTest.title.slice(0, 40)}`);
  });

  const add = (content: string) => one.add(conversationId, content);

  async function change(seq: number, content: string): Promise<void> {
    const range = { conversationId, fromSeq: seq, toSeq: seq };
    const { messages } = await one.sibling.request<{ messages: Message[] }>('message/range', range);
    await one.sibling.request('message/update', { messageId: messages[0]?.id, content });
  }

  /** Waits for a notification; under the driver of the tests, notifications are seen only in their list. */
  async function said(text: string): Promise<void> {
    await window.command('notifications.showList');
    await window.notification(text).waitFor();
    await window.command('notifications.clearAll');
  }

  const texts = async () => (await panel.messages()).map(({ text }) => text);
  const newestShown = async () => (await panel.messages()).at(-1)?.seq ?? 0;

  async function assertAtRest(): Promise<void> {
    await panel.syncing.waitFor({ state: 'detached' });
    assert.equal(await panel.resync.isEnabled(), true);
    assert.deepEqual(await panel.skeletons(), []);
  }

  /** Saves pictures of the window in three kinds of theme. */
  async function picture(name: string): Promise<void> {
    for (const theme of ['light', 'dark', 'highContrast'] as const) {
      await showTheme(theme, one);
      await window.screenshot(`resync-${name}-${theme}`);
    }
  }

  it('asks for nothing when a complete conversation is shown again, whatever happened to it in between', async () => {
    await window.command('devchat.newConversation');
    await panel.message('Message 6').waitFor({ state: 'detached' });
    await change(2, 'Message 2, changed elsewhere');
    await add('Message 7');
    await channel.look();
    // The row moves up, and is not to be clicked on its way.
    await window
      .conversations()
      .row(/Message 1/)
      .and(window.page.locator('[aria-posinset="1"]'))
      .waitFor();
    await window.conversations().open(/Message 1/);
    await panel.message('Message 2, changed elsewhere').waitFor();
    await panel.message('Message 7').waitFor();
    await assertAtRest();
    const shown = await PanelChannel.of(panel);
    assert.deepEqual([(await channel.look()).answers, (await shown.look()).skeletons], [0, []]);
    channel = shown;
    await picture('complete');
  });

  it('heals what was missed without a flash, and shows that it fetches, but hides nothing', async () => {
    const before = await texts();
    signalInstances(one.editor.devchatHome, 'SIGSTOP');
    await change(3, 'Message 3, changed unseen');
    await add('Message 8');
    await add('Message 9');
    await channel.hold();
    await channel.look();
    signalInstances(one.editor.devchatHome, 'SIGKILL');
    await panel.syncing.waitFor();
    assert.equal(await panel.resync.isDisabled(), true);
    assert.deepEqual(await panel.skeletons(), ['8-9']);
    assert.deepEqual(await texts(), before);
    await picture('fetching');
    await channel.release();
    await panel.message('Message 3, changed unseen').waitFor();
    await panel.message('Message 9').waitFor();
    await assertAtRest();
    const { removed, skeletons } = await channel.look();
    assert.deepEqual([removed, skeletons], [0, ['8-9']]);
  });

  it('says that nothing was missing, and never that it fetches, when it is only looked at', async () => {
    await channel.look();
    await channel.hold(0);
    await panel.resync.click();
    await window.command('notifications.showList');
    // What fetches for as long as this takes to appear is seen to fetch.
    await window.notification('Resyncing the conversation').waitFor();
    assert.deepEqual([await panel.syncing.count(), await panel.resync.isDisabled()], [0, true]);
    await picture('validating');
    await channel.release();
    await said('Nothing was missing.');
    await assertAtRest();
    assert.deepEqual(await channel.look(), { answers: 0, removed: 0, skeletons: [] });
  });

  it('fetches with a resync what nobody told it of and what was not answered, and says how much', async () => {
    const next = (await newestShown()) + 1;
    await channel.lose([next, next + 1, next + 3]);
    await channel.hold();
    for (let seq = next; seq <= next + 3; seq++) {
      await add(`Message ${seq}`);
      await channel.told(seq);
    }
    await panel.syncing.waitFor();
    assert.deepEqual(await panel.skeletons(), [`${next}-${next + 1}`]);
    await channel.forget();
    await window.command('devchat.resync');
    await said('3 messages in 2 ranges fetched.');
    await panel.message(`Message ${next + 3}`).waitFor();
    await channel.lose([]);
    await assertAtRest();
  });

  it('shows how far a long resync has come, and ends it when it is told to', async () => {
    const next = (await newestShown()) + 1;
    await channel.lose([next, next + 1]);
    for (let seq = next; seq <= next + 1; seq++) await add(`Message ${seq}`);
    await channel.hold();
    await panel.resync.click();
    await window.command('notifications.showList');
    const progress = window.notification('Resyncing the conversation');
    await progress.filter({ hasText: '0 of 2 messages' }).waitFor();
    assert.equal(await panel.resync.isDisabled(), true);
    await picture('progress');
    await progress.getByRole('button', { name: 'Cancel' }).click();
    await said('The resync was cancelled.');
    await panel.frame.getByRole('button', { name: 'Resync', disabled: false }).waitFor();
    await panel.syncing.waitFor({ state: 'detached' });
    assert.deepEqual(await panel.skeletons(), [`${next}-${next + 1}`]);
    await picture('missing');
    await channel.forget();
    await channel.lose([]);
    await panel.resync.click();
    await said('2 messages in 1 range fetched.');
    await assertAtRest();
  });

  it('has all conversations resynced and the search index made anew, and says how many of what', async () => {
    await window.command('devchat.resyncAll');
    await said('Conversations checked: 2 of 2. Nothing was missing.');
    await window.command('devchat.rebuildIndex');
    await said(`Messages in it: ${await newestShown()}.`);
  });

  it('says when messages are missing that nobody has, and goes on showing what it has of them', async () => {
    const { databasePath } = await one.sibling.request<{ databasePath: string }>('sync/status');
    const sqlite = new Sqlite(databasePath);
    sqlite.prepare('DELETE FROM messages WHERE conversation_id = ? AND seq = 4').run(conversationId);
    sqlite.close();
    await panel.resync.click();
    await said('Messages of this conversation are missing');
    await panel.message('Message 4').waitFor();
    assert.deepEqual(await panel.skeletons(), []);
  });

  it('offers no resync while the history cannot be reached', async () => {
    const banner = panel.frame.locator('.banner').filter({ hasText: 'keeps crashing' });
    // An instance that is being restarted shows up by itself; there is no event for that from outside.
    while ((await banner.count()) === 0) signalInstances(one.editor.devchatHome, 'SIGKILL');
    assert.equal(await panel.resync.count(), 0);
    await banner.getByRole('button', { name: 'Try Again' }).click();
    await panel.resync.waitFor();
  });
});
