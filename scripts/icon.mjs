// Draws media/icon.png from media/icon.svg; run it after changing the drawing.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { findBrowser } from './lib/browser.mjs';
import { root, runMain, ScriptError } from './lib/step.mjs';

const size = 256;

await runMain(async () => {
  const executablePath = findBrowser();
  if (!executablePath) throw new ScriptError('Drawing the icon needs a browser: run `node scripts/setup.mjs browser`.');
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: { width: size, height: size } });
    await page.setContent(`<body style="margin:0">${readFileSync(join(root, 'media', 'icon.svg'), 'utf8')}</body>`);
    await page.screenshot({ path: join(root, 'media', 'icon.png'), omitBackground: true });
  } finally {
    await browser.close();
  }
});
