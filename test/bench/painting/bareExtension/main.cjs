// The floor from Enter in one window to the line painted in the other: page, host, a process that commits, socket, the
// other window's process, host, page.
const { fork } = require('node:child_process');
const { join } = require('node:path');
const { window } = require('vscode');

const page = `<!DOCTYPE html>
<body style="margin: 0">
<div id="bare" role="feed" style="height: 70vh; overflow: auto"></div>
<textarea id="line"></textarea>
<script>
  const host = acquireVsCodeApi();
  const feed = document.getElementById('bare');
  const field = document.getElementById('line');
  field.addEventListener('keydown', ({ key }) => {
    if (key === 'Enter') host.postMessage(field.value);
  });
  addEventListener('message', ({ data }) => {
    requestAnimationFrame(() => {
      const article = document.createElement('div');
      article.setAttribute('role', 'article');
      article.append(data);
      feed.append(article);
      feed.scrollTop = feed.scrollHeight;
    });
  });
</script>`;

/** @param {import('vscode').ExtensionContext} context */
exports.activate = ({ subscriptions }) => {
  const relay = fork(join(__dirname, 'relay.cjs'), { execPath: process.env['BARE_CHAT_NODE'] });
  subscriptions.push({ dispose: () => relay.kill() });
  window.registerWebviewViewProvider('bareChat.view', {
    resolveWebviewView({ webview }) {
      webview.options = { enableScripts: true };
      webview.html = page;
      webview.onDidReceiveMessage((text) => relay.send(text));
      relay.on('message', (text) => webview.postMessage(text));
    },
  });
};
