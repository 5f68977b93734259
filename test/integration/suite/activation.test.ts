import { strict as assert } from 'node:assert';
import { extensions } from 'vscode';

describe('activation', () => {
  it('activates the extension', async () => {
    const extension = extensions.getExtension('devchat.devchat-sync');
    assert.ok(extension, 'the extension is not installed');
    await extension.activate();
    assert.equal(extension.isActive, true);
  });
});
