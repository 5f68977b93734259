import { ensureBrowser, howToInstall } from './browser.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { findDesktopEditor } from './desktop.mjs';
import { editorVersion, ensureEditor } from './editorInstall.mjs';
import { ScriptError, say, startLog } from './step.mjs';

const parts = ['editor', 'editor-or-desktop', 'browser', 'browser-optional'];

/**
 * Installs the dependencies, and the named parts where they are missing.
 * @param {string[]} names
 */
export async function prepare(names) {
  const unknown = names.filter((name) => !parts.includes(name));
  if (unknown.length > 0) throw new ScriptError(`Unknown: ${unknown.join(', ')}. Known: ${parts.join(', ')}.`);
  startLog();
  const wanted = new Set(names);
  const ready = ['dependencies'];
  await ensureDependencies();

  const desktop = wanted.has('editor-or-desktop') ? findDesktopEditor() : undefined;
  if (desktop) {
    ready.push(`desktop VS Code ${desktop}`);
  } else if (wanted.has('editor') || wanted.has('editor-or-desktop')) {
    await ensureEditor();
    ready.push(`VS Code ${editorVersion()}`);
  }

  if (!desktop && (wanted.has('browser') || wanted.has('browser-optional'))) {
    const browser = await ensureBrowser({ required: wanted.has('browser') });
    if (browser) ready.push(browser);
    else say(`No Chromium-based browser found. Any other browser can open the windows too. ${howToInstall()}`);
  }
  say(`Ready: ${ready.join(', ')}`);
}
