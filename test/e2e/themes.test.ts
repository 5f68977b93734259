import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { contrast } from '../support/contrast.ts';
import { showTheme, themeKinds } from '../support/themeKinds.ts';
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

  for (const theme of themeKinds) {
    it(`is readable in ${theme}`, async () => {
      for (const [label, { window, panel }] of Object.entries({ a: two.a, b: two.b })) {
        await showTheme(theme, { editor: two.editor, window, panel });
        await window.screenshot(`theme-${theme}-${label}`);
        const message = panel.message('withLock').locator('.body');
        assert.ok((await contrast(message)) >= 4.5);
      }
    });
  }
});
