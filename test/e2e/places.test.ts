import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { root } from '../../scripts/lib/step.mjs';
import { ChatPanel } from '../support/chatPanel.ts';
import { startTestEditor, type TestEditor } from '../support/editorHost.ts';
import type { EditorWindow } from '../support/editorWindow.ts';
import type { ChatWindow } from '../support/twoWindows.ts';
import { Windows } from '../support/windows.ts';

describe('the history of a workspace', () => {
  let windows: Windows;
  let editor: TestEditor | undefined;
  let opened: EditorWindow | undefined;

  before(async () => {
    windows = await Windows.launch();
  });
  after(() => windows.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await opened?.screenshot(`failed-${this.currentTest.title.slice(0, 30)}`);
    await editor?.stop();
    editor = undefined;
  });

  async function open(url: string): Promise<ChatWindow> {
    const window = await windows.open(url);
    opened = window;
    await window.showDevChat();
    return { window, panel: await ChatPanel.of(window) };
  }

  /** Opens a workspace file. The editor sometimes fails to read its folders at once, and shows none until it is reloaded. */
  async function openWorkspaceFile(url: string, folder: string): Promise<ChatWindow> {
    const window = await windows.open(url);
    opened = window;
    for (let attempt = 1; ; attempt++) {
      await window.command('workbench.view.explorer');
      const row = window.page.getByRole('treeitem', { name: folder });
      const isThere = await row.waitFor({ timeout: 5000 }).then(
        () => true,
        () => false,
      );
      if (isThere) break;
      assert.ok(attempt < 5, `the editor does not show ${folder}`);
      await window.reload();
    }
    await window.showDevChat();
    return { window, panel: await ChatPanel.of(window) };
  }

  async function write(url: string, text: string): Promise<void> {
    const { window, panel } = await open(url);
    await panel.send(text);
    await panel.message(text).waitFor();
    await window.close();
  }

  async function find(url: string, text: string): Promise<void> {
    await findIn(await open(url), text);
  }

  async function findIn({ window, panel }: ChatWindow, text: string): Promise<void> {
    await window.conversations().open(new RegExp(text));
    await panel.message(text).waitFor();
    await window.close();
  }

  it('is the same after the folder was renamed, and in a workspace that contains it', async () => {
    editor = await startTestEditor();
    const { host, workspace } = editor;
    const base = dirname(workspace);
    await write(host.url(workspace, { development: root }), 'Written before');

    const renamed = join(base, 'renamed');
    renameSync(workspace, renamed);
    await find(host.url(renamed, { development: root }), 'Written before');

    const other = join(base, 'other');
    mkdirSync(other);
    const multiRoot = join(base, 'both.code-workspace');
    writeFileSync(multiRoot, JSON.stringify({ folders: [{ path: other }, { path: renamed }] }));
    await findIn(await openWorkspaceFile(host.url(multiRoot, { development: root }), 'renamed'), 'Written before');
  }).timeout(120_000);

  it('is that of a folder that has gone, where the user says so, and can be the former one again', async () => {
    editor = await startTestEditor();
    const { host, workspace } = editor;
    await write(host.url(workspace, { development: root }), 'Written before');

    const anew = join(dirname(workspace), 'anew');
    cpSync(workspace, anew, { recursive: true });
    rmSync(workspace, { recursive: true });
    const { window, panel } = await open(host.url(anew, { development: root }));
    await panel.send('Begun anew');
    await panel.message('Begun anew').waitFor();
    for (const [history, text] of [
      [/workspace/, 'Written before'],
      [/formerly .*anew/, 'Begun anew'],
    ] as const) {
      await window.command('devchat.relink');
      await window.page.getByRole('option', { name: history }).click();
      await window.conversations().open(new RegExp(text));
      await panel.message(text).waitFor();
    }
    await window.close();
  }).timeout(120_000);

  it('is the user’s own where no folder is open', async () => {
    editor = await startTestEditor();
    const { host, workspace } = editor;
    const empty = new URL(host.url(workspace, { development: root }));
    empty.searchParams.delete('folder');
    empty.searchParams.set('ew', 'true');
    await write(empty.href, 'Without a folder');
    await find(empty.href, 'Without a folder');
    assert.deepEqual(readdirSync(workspace), []);
  });

  it('lies in the folder when the user says so', async () => {
    editor = await startTestEditor({ settings: { 'devchat.database.location': 'workspaceFolder' } });
    const { host, workspace, devchatHome } = editor;
    await write(host.url(workspace, { development: root }), 'Inside');
    assert.ok(existsSync(join(workspace, '.devchat', 'chat.db')));
    assert.equal(readFileSync(join(workspace, '.devchat', '.gitignore'), 'utf8'), '*\n');
    assert.equal(existsSync(devchatHome), false);
  });

  it('never lies in a folder that is not trusted', async () => {
    editor = await startTestEditor({ trust: false, settings: { 'devchat.database.location': 'workspaceFolder' } });
    const { host, workspace } = editor;
    mkdirSync(join(workspace, '.devchat'));
    writeFileSync(join(workspace, '.devchat', 'chat.db'), 'anyone could have made this');
    const url = host.url(workspace, { development: root });
    await write(url, 'Untrusted');
    await find(url, 'Untrusted');
    assert.deepEqual(readdirSync(join(workspace, '.devchat')), ['chat.db']);
  });
});
