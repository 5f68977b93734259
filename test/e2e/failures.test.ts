import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { after, before, describe, it } from 'mocha';
import { root } from '../../scripts/lib/step.mjs';
import { ChatPanel } from '../support/chatPanel.ts';
import { startTestEditor, type TestEditor } from '../support/editorHost.ts';
import type { EditorWindow } from '../support/editorWindow.ts';
import { instancePids, signalInstances } from '../support/processes.ts';
import { Windows } from '../support/windows.ts';

/** Ends of the names of the files that make up a database. */
const databaseFiles = ['', '-wal', '-shm', '.mark'];

describe('a window whose history fails', () => {
  let editor: TestEditor;
  let windows: Windows;
  let window: EditorWindow;
  let panel: ChatPanel;

  before(async () => {
    editor = await startTestEditor();
    windows = await Windows.launch();
    window = await windows.open(editor.host.url(editor.workspace, { development: root }));
    await window.showDevChat();
    panel = await ChatPanel.of(window);
    await panel.send('Written before');
    await panel.message('Written before').waitFor();
  });
  after(async () => {
    await windows?.close();
    await editor?.stop();
  });

  function databasePath(): string {
    const [id = assert.fail('no database')] = readdirSync(join(editor.devchatHome, 'workspaces'));
    return join(editor.devchatHome, 'workspaces', id, 'chat.db');
  }

  async function whenRunning(): Promise<number> {
    await panel.frame.locator('.banner').waitFor({ state: 'detached' });
    const [pid = assert.fail('no instance')] = instancePids(editor.devchatHome);
    return pid;
  }

  it('gives up after five crashes, keeps the draft, and goes on when asked to', async () => {
    await panel.composer.fill('A thought');
    const killed = new Set<number>();
    while (killed.size < 5) {
      // The instance that is being restarted shows up by itself; there is no event for that from outside.
      const pid = instancePids(editor.devchatHome).find((candidate) => !killed.has(candidate));
      if (pid === undefined) await delay(20);
      else if (process.kill(pid, 'SIGKILL')) killed.add(pid);
    }
    const banner = panel.frame.locator('.banner').filter({ hasText: 'keeps crashing' });
    await banner.getByRole('button', { name: 'Show Log' }).waitFor();
    assert.equal(await panel.composer.inputValue(), 'A thought');
    await window.screenshot('history-failed');
    await banner.getByRole('button', { name: 'Try Again' }).click();
    await banner.waitFor({ state: 'detached' });
    await panel.composer.press('Enter');
    await panel.message('A thought').waitFor();
  });

  it('says that it can only be read while nothing can be saved, and saves by itself what was written', async () => {
    const limit = (bytes: number | 'unlimited') => {
      for (const pid of instancePids(editor.devchatHome)) {
        assert.equal(spawnSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`]).status, 0);
      }
    };
    await whenRunning();
    limit(statSync(`${databasePath()}-wal`).size);
    await panel.send('While there is no room');
    const banner = panel.frame.locator('.banner').filter({ hasText: 'nothing can be saved now' });
    await banner.waitFor();
    await panel.frame.getByText('Not sent yet').waitFor();
    await panel.message('Written before').waitFor();
    await window.screenshot('history-read-only');
    limit('unlimited');
    await banner.waitFor({ state: 'detached' });
    await panel.message('While there is no room').waitFor();
    await panel.frame.getByText('Not sent yet').waitFor({ state: 'detached' });
  });

  it('says that its database was damaged, and shows what was saved', async () => {
    await whenRunning();
    const path = databasePath();
    signalInstances(editor.devchatHome, 'SIGSTOP');
    const sqlite = new Sqlite(path);
    sqlite.pragma('wal_checkpoint(TRUNCATE)');
    sqlite.close();
    writeFileSync(path, readFileSync(path).fill(0, 0, 4096));
    signalInstances(editor.devchatHome, 'SIGKILL');
    await window.page.getByText('The chat database was damaged and has been rebuilt').first().waitFor();
    await panel.message('Written before').waitFor();
    await window.screenshot('history-rebuilt');
  });

  it('says that its database is no database, and comes back when that was mended', async () => {
    await whenRunning();
    const path = databasePath();
    signalInstances(editor.devchatHome, 'SIGSTOP');
    for (const suffix of databaseFiles) renameSync(`${path}${suffix}`, `${path}.away${suffix}`);
    writeFileSync(path, 'not a database, whatever its name says');
    signalInstances(editor.devchatHome, 'SIGKILL');
    const banner = panel.frame.locator('.banner').filter({ hasText: path });
    await banner.waitFor();
    rmSync(path);
    for (const suffix of databaseFiles) renameSync(`${path}.away${suffix}`, `${path}${suffix}`);
    await banner.getByRole('button', { name: 'Try Again' }).click();
    await banner.waitFor({ state: 'detached' });
    await panel.message('Written before').waitFor();
  });
});
