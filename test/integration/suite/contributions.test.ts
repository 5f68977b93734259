import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { type Extension, commands as editor, extensions } from 'vscode';
import { commands, settings } from '../../../src/views/contributions.ts';

describe('what the extension contributes', () => {
  let extension: Extension<unknown>;

  before(async () => {
    const found = extensions.getExtension('devchat.devchat-sync');
    assert.ok(found);
    extension = found;
    await extension.activate();
  });

  it('are commands that its code registers', async () => {
    const registered = await editor.getCommands(true);
    for (const command of Object.values(commands)) assert.ok(registered.includes(command), command);
  });

  it('say what they do in folders that are not trusted or not on a disk', () => {
    const { untrustedWorkspaces, virtualWorkspaces } = extension.packageJSON.capabilities;
    assert.equal(untrustedWorkspaces.supported, 'limited');
    const restricted = [settings.databaseLocation, settings.modelEndpoints];
    assert.deepEqual(untrustedWorkspaces.restrictedConfigurations, restricted);
    assert.equal(virtualWorkspaces.supported, false);
    for (const { description } of [untrustedWorkspaces, virtualWorkspaces]) assert.ok(description.length > 20);
  });
});
