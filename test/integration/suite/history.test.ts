import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { before, describe, it } from 'mocha';
import { commands as editor, extensions, workspace } from 'vscode';
import type { Conversation } from '../../../src/protocol/model.ts';
import type { SyncStatus } from '../../../src/protocol/rpc.ts';
import { commands } from '../../../src/views/contributions.ts';

const run = promisify(execFile);

describe('the history of the window', () => {
  let program: string;

  before(async () => {
    const extension = extensions.getExtension('devchat.devchat-sync');
    assert.ok(extension);
    await extension.activate();
    program = join(extension.extensionPath, 'dist', 'cli.cjs');
  });

  /** Runs `devchat` on the window's folder, with the runtime of the editor. */
  async function devchat<T>(...args: string[]): Promise<T> {
    const folder = workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
    const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1' };
    const { stdout } = await run(process.execPath, [program, '--workspace', folder, '--json', ...args], { env });
    return JSON.parse(stdout);
  }

  it('is the one that the command line sees', async () => {
    await editor.executeCommand(commands.newConversation);
    const [conversation, ...others] = await devchat<Conversation[]>('list');
    assert.equal(conversation?.title, '');
    assert.deepEqual(others, []);
    const { peers } = await devchat<SyncStatus>('status');
    assert.equal(peers.length, 1);
  });

  it('takes in what the command line writes', async () => {
    await devchat('send', 'from the command line', '--title', 'Written outside');
    const [{ id } = assert.fail()] = await devchat<Conversation[]>('list');
    // The command resolves only when the panel is there; it refuses an id it cannot show by showing the start page.
    await editor.executeCommand(commands.openConversation, id);
    const found = await devchat<unknown[]>('search', 'command line');
    assert.equal(found.length, 1);
  });

  it('changes nothing when a row was meant that the editor lost sight of', async () => {
    const before = await devchat<Conversation[]>('list');
    await editor.executeCommand(commands.pinConversation, undefined, undefined);
    assert.deepEqual(await devchat<Conversation[]>('list'), before);
    // Of what another program has written, the window may hear in a moment.
    const own = before.find(({ title }) => title === '');
    await editor.executeCommand(commands.pinConversation, own?.id, undefined);
    assert.notDeepEqual(await devchat<Conversation[]>('list'), before);
  });
});
