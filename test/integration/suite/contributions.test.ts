import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'mocha';
import { type Extension, commands as editor, extensions } from 'vscode';
import { commands, settings, views } from '../../../src/views/contributions.ts';

describe('what the extension contributes', () => {
  let extension: Extension<unknown>;
  let nls: Record<string, string>;

  before(async () => {
    const found = extensions.getExtension('devchat.devchat-sync');
    assert.ok(found);
    extension = found;
    nls = JSON.parse(readFileSync(join(extension.extensionPath, 'package.nls.json'), 'utf8'));
    await extension.activate();
  });

  it('are exactly the commands that its code registers', async () => {
    const contributed = extension.packageJSON.contributes.commands.map(({ command }: { command: string }) => command);
    assert.deepEqual(contributed.toSorted(), Object.values(commands).toSorted());
    const registered = await editor.getCommands(true);
    for (const command of Object.values(commands)) assert.ok(registered.includes(command), command);
  });

  it('are the views and settings that its code names', () => {
    const { contributes } = extension.packageJSON;
    const contributed = contributes.views.devchat.map(({ id }: { id: string }) => id);
    assert.deepEqual(contributed.toSorted(), Object.values(views).toSorted());
    assert.deepEqual(Object.keys(contributes.configuration.properties), Object.values(settings));
  });

  it('have a text for every key, and no text without one', () => {
    const manifest = readFileSync(join(extension.extensionPath, 'package.json'), 'utf8');
    const used = [...manifest.matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key);
    assert.deepEqual([...new Set(used)].toSorted(), Object.keys(nls).toSorted());
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
