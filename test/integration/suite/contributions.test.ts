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
    const { capabilities, contributes } = extension.packageJSON;
    const { untrustedWorkspaces, virtualWorkspaces } = capabilities;
    assert.equal(untrustedWorkspaces.supported, 'limited');
    const properties = contributes.configuration.flatMap((group: { properties: Record<string, { scope?: string }> }) =>
      Object.entries(group.properties),
    );
    const ofMachine = properties.filter(
      ([, { scope }]: [string, { scope?: string }]) => scope === 'machine-overridable',
    );
    const restricted: string[] = ofMachine.map(([name]: [string, unknown]) => name);
    assert.deepEqual(untrustedWorkspaces.restrictedConfigurations, restricted);
    for (const name of [settings.databaseLocation, settings.modelEndpoints, settings.importDirectories]) {
      assert.ok(restricted.includes(name), name);
    }
    assert.equal(virtualWorkspaces.supported, false);
    for (const { description } of [untrustedWorkspaces, virtualWorkspaces]) assert.ok(description.length > 20);
  });
});
