import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import type { Locator } from 'playwright-core';
import { root } from '../../scripts/lib/step.mjs';
import { startTestEditor, type TestEditor } from '../support/editorHost.ts';
import type { EditorWindow } from '../support/editorWindow.ts';
import { Windows } from '../support/windows.ts';

type Texts = Record<string, string>;

const texts = (path: string): Texts => JSON.parse(readFileSync(join(root, path), 'utf8'));
const manifest = texts('package.nls.de.json');
const german = new Set([...Object.values(texts('l10n/bundle.l10n.de.json')), ...Object.values(manifest)]);
const english = [...Object.keys(texts('l10n/bundle.l10n.de.json')), ...Object.values(texts('package.nls.json'))];
/** What would be seen only where a translation is missing. */
const untranslated = new Set(english.filter((text) => !german.has(text)));

describe('an editor in German', () => {
  let editor: TestEditor;
  let windows: Windows;
  let window: EditorWindow;
  let panel: Locator;

  before(async function () {
    this.timeout(120_000);
    editor = await startTestEditor();
    windows = await Windows.launch();
    window = await windows.open(editor.host.url(editor.workspace, { development: root }));
    // What a language pack does, but for the editor's own texts.
    await window.page.addInitScript(`globalThis._VSCODE_NLS_LANGUAGE = 'de'`);
    await window.reload();
    await window.showDevChat();
    const page = window.page.frameLocator('iframe.webview').frameLocator('#active-frame');
    panel = page.locator('body');
    await page.getByRole('textbox').fill('Warum schlägt der Build fehl?');
    await page.getByRole('textbox').press('Enter');
    await page.getByRole('article').hover();
  });
  after(async () => {
    await windows?.close();
    await editor?.stop();
  });

  /** Checks every text, name, tooltip and placeholder in a part of the window. */
  async function assertGerman(part: Locator): Promise<void> {
    const shown = await part
      .locator('*')
      .evaluateAll((all) =>
        all.flatMap((element) => [
          ...[...element.childNodes]
            .filter(({ nodeType }) => nodeType === 3)
            .map(({ textContent }) => textContent.trim()),
          ...['aria-label', 'title', 'placeholder'].map((name) => element.getAttribute(name) ?? ''),
        ]),
      );
    assert.deepEqual(
      [...new Set(shown)].filter((text) => untranslated.has(text)),
      [],
    );
    assert.ok(
      shown.some((text) => german.has(text)),
      'nothing of it is German',
    );
  }

  it('shows the panel in German', async () => {
    await assertGerman(panel);
    await window.screenshot('german');
  });

  it('shows the list in German', async () => {
    await assertGerman(window.page.locator('.part.sidebar'));
  });

  it('offers commands in German', async () => {
    await window.page.keyboard.press('F1');
    await window.quickInput().fill('>DevChat');
    const commands = window.page.locator('.quick-input-list');
    await commands.getByText(`DevChat: ${manifest['command.showActions']}`).waitFor();
    // Below each title stands, for who knows it from elsewhere, the original one.
    const shown = await commands.locator('.quick-input-list-row:first-child .label-name').allTextContents();
    const titles = shown.filter((text) => text.startsWith('DevChat: ')).map((text) => text.slice('DevChat: '.length));
    assert.ok(titles.length > 5);
    assert.deepEqual(
      titles.filter((title) => untranslated.has(title)),
      [],
    );
  });
});
