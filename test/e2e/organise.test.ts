import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { ChatPanel } from '../support/chatPanel.ts';
import { themes } from '../support/editorWindow.ts';
import { startOtherProgram } from '../support/otherProgram.ts';
import type { RpcClient } from '../support/rpcClient.ts';
import { type ChatWindow, openTwoWindows, type TwoWindows } from '../support/twoWindows.ts';

describe('conversations that are put in order in two windows', () => {
  let two: TwoWindows;
  let a: ChatWindow;
  let b: ChatWindow;
  /** Another program on the same history. */
  let sibling: RpcClient;
  const ids: Record<string, string> = {};

  before(async () => {
    two = await openTwoWindows();
    ({ a, b } = two);
    sibling = await startOtherProgram(two.editor);
    for (const title of ['Locks', 'Queues', 'Caches', 'Parsers']) {
      const { id } = await sibling.request<{ id: string }>('conversation/create', { title });
      ids[title] = id;
      for (let index = 1; index <= 3; index++) await add(title, `${title} number ${index}`);
      await sibling.request('conversation/markRead', { conversationId: id });
    }
    for (const { window } of [a, b]) await row(window, 'Locks').waitFor();
  });
  after(async () => {
    sibling?.child.kill('SIGKILL');
    await two?.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return;
    const name = this.currentTest.title.replaceAll(/\W+/g, '-').slice(0, 40);
    await a.window.screenshot(`failed-${name}-a`);
    await b.window.screenshot(`failed-${name}-b`);
  });

  async function add(title: string, content: string): Promise<void> {
    await sibling.request('message/add', { conversationId: ids[title], role: 'assistant', content });
  }

  function row(window: ChatWindow['window'], label: string | RegExp) {
    return window.conversations().row(label);
  }

  it('are pinned and tagged in one, and so in the other', async () => {
    await a.window.conversations().menu(/^Caches/, 'Pin Conversation');
    await row(b.window, /^Pinned/).waitFor();
    await b.window.conversations().menu(/^Queues/, 'Edit Tags');
    await b.window.answer('backend, slow');
    await row(a.window, /^Queues.*#backend · #slow/).waitFor();
    assert.deepEqual(
      (await a.window.conversations().labels()).map((label) => /^\w+/.exec(label)?.[0]),
      ['Pinned', 'Caches', 'Today', 'Parsers', 'Queues', 'Locks'],
    );
  });

  it('are unread in both until they are read in one', async () => {
    await a.window.conversations().open(/^Caches/);
    await b.window.conversations().open(/^Caches/);
    await add('Locks', 'Something new');
    for (const { window } of [a, b]) await row(window, /^Locks.*1 unread/).waitFor();
    for (const { window } of [a, b])
      await window.page.getByRole('tab', { name: /DevChat.*Unread messages: 1/ }).waitFor();
    await a.window.conversations().open(/^Locks/);
    await a.panel.message('Something new').waitFor();
    for (const { window } of [a, b]) await row(window, /unread/).waitFor({ state: 'detached' });
  });

  it('open with one click each, however often the list is drawn anew meanwhile', async () => {
    const tag = (title: string, tags: string[]) =>
      sibling.request('conversation/update', { conversationId: ids[title], tags });
    let isOver = false;
    const drawing = (async () => {
      for (let count = 0; !isOver; count++)
        await Promise.all(['Parsers', 'Locks'].map((title) => tag(title, [`t${count}`])));
    })();
    try {
      for (let click = 0; click < 30; click++) {
        const title = click % 2 === 0 ? 'Parsers' : 'Locks';
        const box = (await row(a.window, new RegExp(`^${title}`)).boundingBox()) ?? assert.fail();
        await a.window.page.mouse.click(box.x + 60, box.y + box.height / 2);
        await a.panel.frame.getByRole('heading', { name: title, level: 1, exact: true }).waitFor({ timeout: 10_000 });
      }
    } finally {
      isOver = true;
      await drawing;
    }
    for (const title of ['Parsers', 'Locks']) await tag(title, []);
  });

  it('say where else they are shown', async () => {
    await a.window.conversations().open(/^Parsers/);
    await b.window.conversations().open(/^Parsers/);
    await a.panel.frame.getByText('in 2 windows').waitFor();
    await row(b.window, /^Parsers.*in 2 windows/).waitFor();
    await b.window.conversations().open(/^Caches/);
    await a.panel.frame.getByText('in 2 windows').waitFor({ state: 'detached' });
  });

  it('are deleted together after one question, and come back together', async () => {
    await b.window.conversations().open(/^Locks/);
    await b.window.conversations().selectToo(/^Queues/);
    await b.window.conversations().menu(/^Queues/, 'Delete Conversation');
    await b.window.confirm('Delete');
    for (const label of [/^Locks/, /^Queues/]) await row(a.window, label).waitFor({ state: 'detached' });
    await b.window.showNotifications();
    const notification = b.window.notification('2 conversations were deleted');
    await notification.getByRole('button', { name: 'Undo' }).click();
    for (const label of [/^Locks/, /^Queues/]) await row(a.window, label).waitFor();
  });

  it('are gone for good after that was asked', async () => {
    await a.window.conversations().menu(/^Locks/, 'Delete Permanently');
    await a.window.confirm('Delete Permanently');
    await row(b.window, /^Locks/).waitFor({ state: 'detached' });
    await assert.rejects(sibling.request('conversation/restore', { conversationId: ids['Locks'] }));
  });

  it('are archived, and found there', async () => {
    await a.window.conversations().menu(/^Queues/, 'Archive Conversation');
    await row(b.window, /^Archived/).waitFor();
    await row(b.window, /^Queues/).waitFor({ state: 'detached' });
    await b.window.command('devchat.search');
    await b.window.quickInput().fill('Queues number 2');
    await b.window.page
      .locator('.quick-input-list')
      .getByRole('option', { name: /Queues number 2/ })
      .click();
    await b.panel.message('Queues number 2').waitFor();
    await b.panel.frame.locator('[data-seq="2"][data-found]').waitFor();
  });

  it('go on in a copy that begins at a message', async () => {
    await a.window.conversations().open(/^Parsers/);
    await a.panel.message('Parsers number 2').waitFor();
    await a.panel.act('Parsers number 2', 'Branch from Here');
    await a.panel.message('Parsers number 3').waitFor({ state: 'detached' });
    await a.panel.message('Parsers number 2').waitFor();
    const texts = (await a.panel.messages()).map(({ text }) => text);
    assert.deepEqual(texts, ['Parsers number 1', 'Parsers number 2']);
    await b.window
      .conversations()
      .row(/^Parsers/)
      .nth(1)
      .waitFor();
  });

  it('are filtered by tag, and grouped by source', async () => {
    await b.window.command('devchat.filter');
    await b.window.answer('#backend');
    await row(b.window, /^Parsers/)
      .first()
      .waitFor({ state: 'detached' });
    await b.window.command('devchat.clearFilter');
    await row(b.window, /^Parsers/)
      .first()
      .waitFor();
    await b.window.command('devchat.groupBySource');
    await row(b.window, /^DevChat/).waitFor();
    await b.window.command('devchat.groupByTime');
    await row(b.window, /^Today/).waitFor();
  });

  it('are written to a file', async () => {
    await a.window.conversations().menu(/^Caches/, 'Export Conversation');
    await a.window.answer('Markdown');
    await a.window.page.locator('.quick-input-widget:visible').getByRole('button', { name: 'OK' }).click();
    await a.window.showNotifications();
    await a.window.notification('Exported conversations: 1').waitFor();
    const [file = ''] = readdirSync(two.editor.workspace).filter((name) => name.endsWith('.md'));
    const text = readFileSync(join(two.editor.workspace, file), 'utf8');
    for (let index = 1; index <= 3; index++) assert.match(text, new RegExp(`Caches number ${index}`));
  });

  it('open in editors with drafts of their own, which a reload brings back', async () => {
    await a.window.conversations().open(/^Parsers \(branch\)/);
    await a.panel.frame.locator('textarea:focus').waitFor();
    await a.window.conversations().menu(/^Caches/, 'Open in Editor');
    const editor = await ChatPanel.inEditor(a.window);
    await editor.message('Caches number 3').waitFor();
    await editor.composer.fill('draft of the editor');
    await a.panel.composer.fill('draft of the view');
    await a.window.page.getByRole('tab', { name: 'Caches' }).waitFor();
    for (const [name, theme] of Object.entries({ light: themes.light, dark: themes.dark })) {
      two.editor.setWorkspaceSettings({ 'workbench.colorTheme': theme });
      await a.window.themeKind(name === 'light' ? 'vs' : 'vs-dark');
      await editor.frame.locator(`body.vscode-${name}`).waitFor();
      await a.window.screenshot(`organise-${name}`);
    }
    await a.window.reload();
    const again = await ChatPanel.inEditor(a.window);
    a.panel = await ChatPanel.of(a.window);
    await again.message('Caches number 3').waitFor();
    assert.equal(await again.composer.inputValue(), 'draft of the editor');
    assert.equal(await a.panel.composer.inputValue(), 'draft of the view');
    await again.send('From the editor');
    await b.window.conversations().open(/^Caches/);
    await b.panel.message('From the editor').waitFor();
  });

  it('are described for a report, without their texts', async () => {
    await a.window.command('devchat.showDiagnostics');
    await a.window.page.getByRole('tab', { name: /DevChat diagnostics/ }).waitFor();
    await a.window.page.locator('.view-line').filter({ hasText: 'instanceId' }).first().waitFor();
  });
});
