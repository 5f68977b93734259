// Takes the pictures of the README anew: the panel with a sample conversation, wide in every kind of theme, and narrow.
//   npm run compile && node test/e2e/screenshots.ts
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, runMain } from '../../scripts/lib/step.mjs';
import { sampleMessages, sampleTitle } from '../fixtures/sampleConversation.ts';
import { openOneWindow } from '../support/oneWindow.ts';
import { showTheme, themeKinds } from '../support/themeKinds.ts';

const folder = join(root, 'docs', 'images');
const WIDE = 620;
const NARROW = 300;

await runMain(async () => {
  mkdirSync(folder, { recursive: true });
  const one = await openOneWindow({ size: { width: 1000, height: 1400 } });
  try {
    for (const title of ['Release notes for 2.0', 'Slow query in the report', 'Move the tests to Node.js 24']) {
      await one.add((await one.create(title)).id, title, { role: 'user' });
    }
    const { id } = await one.create(sampleTitle);
    for (const { content, ...rest } of sampleMessages) await one.add(id, content, rest);
    const take = async (name: string, width: number) => {
      await one.window.sideBarWidth(width);
      await one.panel.feed.evaluate((feed) => feed.parentElement.scrollTo(0, 0));
      await one.window.page.locator('.part.sidebar').screenshot({ path: join(folder, `${name}.png`) });
    };
    for (const theme of themeKinds) {
      await showTheme(theme, one);
      await one.open(sampleTitle);
      await one.panel.feed.locator('.hljs-keyword').first().waitFor();
      await take(`panel-${theme}`, WIDE);
      if (theme === 'light' || theme === 'dark') await take(`panel-${theme}-narrow`, NARROW);
    }
  } finally {
    await one.close();
  }
});
