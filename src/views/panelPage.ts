import { createHash, randomBytes } from 'node:crypto';
import { env, Uri, type Webview, workspace } from 'vscode';
import type { PanelKind, PanelStrings } from '../protocol/panel.ts';
import { settings } from './contributions.ts';

/** Folder of the panel's program and styles, and the only one that its page may load from. */
export function panelRoot(extensionUri: Uri): Uri {
  return Uri.joinPath(extensionUri, 'dist', 'webview');
}

/** The page that loads the panel's program. Nothing else may run in it, and nothing may be fetched from elsewhere. */
export function panelPage(webview: Webview, extensionUri: Uri, strings: PanelStrings, kind: PanelKind): string {
  const nonce = randomBytes(16).toString('base64');
  const file = (name: string) => webview.asWebviewUri(Uri.joinPath(panelRoot(extensionUri), name)).toString();
  const policy = [
    `default-src 'none'`,
    // What a script of this nonce imports has it, too.
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource}`,
    `font-src ${webview.cspSource}`,
  ].join('; ');
  // In a script element only "<" could end the text early.
  const data = JSON.stringify(strings).replaceAll('<', '\\u003c');
  return `<!DOCTYPE html>
<html lang="${env.language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${file('main.css')}">
<title>DevChat</title>
</head>
<body>
<div id="root" data-kind="${kind}" data-scope="${scope()}"${isMathOn() ? ' data-math' : ''}></div>
<script type="application/json" id="strings">${data}</script>
<script type="module" nonce="${nonce}" src="${file('main.js')}"></script>
</body>
</html>`;
}

function isMathOn(): boolean {
  return workspace.getConfiguration().get(settings.chatMath) === true;
}

/** Keeps what the panel remembers of one workspace apart from what it remembers of the next in the same window. */
function scope(): string {
  const places = [workspace.workspaceFile, ...(workspace.workspaceFolders ?? []).map(({ uri }) => uri)];
  return createHash('sha256').update(places.join('\n')).digest('hex').slice(0, 16);
}
