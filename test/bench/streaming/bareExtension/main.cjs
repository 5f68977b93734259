// The floor of a stream that is painted: a view shows what comes over the socket that BARE_STREAM names.
const { createConnection } = require('node:net');
const { setTimeout: delay } = require('node:timers/promises');
const { window } = require('vscode');

/** How long the page is left alone when it has taken a text, in ms: as long as a chat panel that takes it at once. */
const PAUSE = 25;

/** Of the element, in CSS pixels: that of a message in the chat panel, so that a paragraph has as many lines. */
const WIDTH = 276;

const page = `<!DOCTYPE html>
<body style="margin: 0">
<div id="bare" role="feed" style="width: ${WIDTH}px; height: 100vh; overflow: auto"><div role="article"><div class="body"><p></p></div></div></div>
<script>
  const feed = document.getElementById('bare');
  const body = feed.querySelector('.body');
  let waiting = '';
  const show = () => {
    const begins = waiting.lastIndexOf('\\f');
    if (begins >= 0) body.replaceChildren(document.createElement('p'));
    waiting = waiting.slice(begins + 1);
    const [more, ...paragraphs] = waiting.split('\\n\\n');
    waiting = '';
    body.lastElementChild.append(more);
    for (const text of paragraphs) body.appendChild(document.createElement('p')).append(text);
    feed.scrollTop = feed.scrollHeight;
  };
  addEventListener('message', ({ data }) => {
    if (waiting === '') requestAnimationFrame(show);
    waiting += data;
  });
</script>`;

exports.activate = () => {
  window.registerWebviewViewProvider('bareStream.view', {
    resolveWebviewView({ webview }) {
      webview.options = { enableScripts: true };
      webview.html = page;
      let waiting = '';
      let isBusy = false;
      const flow = async () => {
        isBusy = true;
        while (waiting !== '') {
          const text = waiting;
          waiting = '';
          await webview.postMessage(text);
          await delay(PAUSE);
        }
        isBusy = false;
      };
      createConnection(process.env['BARE_STREAM'] ?? '')
        .setEncoding('utf8')
        .on('data', (text) => {
          waiting += text;
          if (!isBusy) void flow();
        });
    },
  });
};
