import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { contrast } from '../support/contrast.ts';
import { themes } from '../support/editorWindow.ts';
import { openTwoWindows, type TwoWindows } from '../support/twoWindows.ts';

const sample = `Here is **why** it failed, with the fix:

1. The lock was released *before* the write.
2. See [the documentation](https://example.com/locks).

\`\`\`ts
await withLock(async () => write(entry));
\`\`\`

| before | after |
| ------ | ----- |
| 3 lost | none  |`;

/** The class of each kind on the workbench and on the page of a panel, which follows a moment later. */
const kinds = {
  light: ['vs', 'vscode-light'],
  dark: ['vs-dark', 'vscode-dark'],
  highContrast: ['hc-black', 'vscode-high-contrast'],
  highContrastLight: ['hc-light', 'vscode-high-contrast-light'],
} as const;

describe('the panel in every kind of theme', () => {
  let two: TwoWindows;

  before(async () => {
    two = await openTwoWindows();
    await two.a.panel.send('Why was the entry lost?');
    await two.a.panel.send(sample);
    await two.a.panel.message('withLock').waitFor();
    await two.b.window.conversations().open(/Why was/);
    await two.b.panel.message('withLock').waitFor();
    await two.b.panel.composer.fill('A draft of this window');
  });
  after(() => two?.close());

  for (const [name, [kind, panelKind]] of Object.entries(kinds)) {
    it(`is readable in ${name}`, async () => {
      two.editor.setWorkspaceSettings({ 'workbench.colorTheme': themes[name as keyof typeof themes] });
      for (const [label, { window, panel }] of Object.entries({ a: two.a, b: two.b })) {
        await window.themeKind(kind);
        await panel.frame.locator(`body.${panelKind}`).waitFor();
        await window.screenshot(`theme-${name}-${label}`);
        const message = panel.message('withLock').locator('.body');
        assert.ok((await contrast(message)) >= 4.5);
      }
    });
  }
});
