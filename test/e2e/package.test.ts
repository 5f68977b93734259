import { strict as assert } from 'node:assert';
import { statSync } from 'node:fs';
import { packagePath } from '../../scripts/lib/packagePath.mjs';
import { sqliteBuild } from '../../scripts/lib/target.mjs';
import { startTestEditor } from '../support/editorHost.ts';
import { Windows } from '../support/windows.ts';
import { zipEntries } from '../support/zip.ts';

const expected = [
  '[Content_Types].xml',
  'extension.vsixmanifest',
  'extension/LICENSE.txt',
  'extension/changelog.md',
  'extension/dist/THIRD-PARTY-NOTICES.txt',
  'extension/dist/cli.cjs',
  'extension/dist/extension.cjs',
  'extension/dist/hub.cjs',
  'extension/dist/ingestWorker.cjs',
  'extension/dist/instance.cjs',
  `extension/dist/${sqliteBuild()}.node`,
  'extension/dist/storeThread.cjs',
  'extension/dist/webview/chunk.js',
  'extension/dist/webview/highlighter.js',
  'extension/dist/webview/main.css',
  'extension/dist/webview/main.js',
  'extension/dist/webview/mathMl.js',
  'extension/l10n/bundle.l10n.de.json',
  'extension/media/devchat.svg',
  'extension/media/icon.png',
  ...['editor', 'models', 'organise', 'windows', 'write'].map((step) => `extension/media/walkthrough/${step}.svg`),
  'extension/package.json',
  'extension/package.nls.de.json',
  'extension/package.nls.json',
  'extension/readme.md',
];

describe('the package', () => {
  it('holds exactly what is needed', () => {
    const names = zipEntries(packagePath).map(({ name }) => name);
    assert.deepEqual(names.sort(), expected.sort());
  });

  it('is at most 5 MB', () => {
    assert.ok(statSync(packagePath).size <= 5e6, `${statSync(packagePath).size} bytes`);
  });

  it('works when installed', async () => {
    const editor = await startTestEditor({ vsix: packagePath });
    try {
      const windows = await Windows.launch();
      try {
        const window = await windows.open(editor.host.url(editor.workspace));
        const panel = await window.panelFrame();
        await panel.getByRole('textbox', { name: 'Message', exact: true }).waitFor();
      } finally {
        await windows.close();
      }
    } finally {
      await editor.stop();
    }
  });
});
