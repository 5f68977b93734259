import { cpSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { EditorWindow } from '../../support/editorWindow.ts';
import type { LatencyPanel } from '../../support/paintLatency.ts';

const extension = join(import.meta.dirname, 'bareExtension');

/**
 * Puts an extension where an editor that is about to start finds it, which takes a line from the page of one window to
 * that of another on the shortest way that keeps it: through hosts, processes, a commit as durable as ours, and a socket.
 * @param folder for the database and the sockets
 * @returns the environment of the editor
 */
export function installBareChat(folder: string, extensionsDir: string): NodeJS.ProcessEnv {
  cpSync(extension, join(extensionsDir, 'devchat-test.bare-chat-1.0.0'), { recursive: true });
  const own = join(folder, 'bare');
  mkdirSync(own);
  const sqlite = createRequire(import.meta.url).resolve('better-sqlite3');
  return { BARE_CHAT: own, BARE_CHAT_NODE: process.execPath, BARE_CHAT_SQLITE: sqlite };
}

/** Shows the extension's view in a window, beside the chat panel. */
export async function showBareChat(window: EditorWindow): Promise<LatencyPanel> {
  const frame = window.frameWith('#bare');
  await window.command('bareChat.view.focus');
  const shown = await frame;
  return { feed: shown.locator('#bare'), composer: shown.locator('#line') };
}
