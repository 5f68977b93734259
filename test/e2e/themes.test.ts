import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { Locator } from 'playwright-core';
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

/** Contrast ratio of an element's text and what lies behind it, as WCAG 2.2 defines it. */
async function contrast(element: Locator): Promise<number> {
  const [text = [], back = []] = await element.evaluate((node) => {
    const page = node.ownerDocument.defaultView;
    const backgrounds = [
      page.getComputedStyle(page.document.documentElement).getPropertyValue('--vscode-sideBar-background'),
    ];
    const ancestors = [];
    for (let element = node; element; element = element.parentElement) ancestors.unshift(element);
    for (const element of ancestors) backgrounds.push(page.getComputedStyle(element).backgroundColor);
    // Colours come in many notations and may let others through; a painted pixel has just one.
    const canvas = page.document.createElement('canvas').getContext('2d');
    const paint = (colour: string) => {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const back = backgrounds.map(paint).at(-1);
    return [paint(page.getComputedStyle(node).color), back];
  });
  const [lighter = 0, darker = 0] = [luminance(text), luminance(back)].sort((a, b) => b - a);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(rgb: number[]): number {
  const [r = 0, g = 0, b = 0] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
