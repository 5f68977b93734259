import './panel.css';
import './reading.css';
import { render } from 'preact';
import { Api, type VsCode } from './api.ts';
import { App } from './app.tsx';
import { PanelContext } from './context.ts';
import { Panel } from './panel.ts';
import { keepSaved } from './saving.ts';
import { readStrings } from './strings.ts';
import { openWindowState } from './windowState.ts';

declare function acquireVsCodeApi(): VsCode;

async function main(root: HTMLElement): Promise<void> {
  const vscode = acquireVsCodeApi();
  const strings = readStrings();
  const { kind, scope = '' } = root.dataset;
  const { restored, save } = await openWindowState(vscode, kind === 'editor' ? null : scope);
  const api = new Api(vscode, strings.timedOut);
  const panel = new Panel(api, strings, restored);
  const saveNow = keepSaved(panel.state, save);
  window.addEventListener('pagehide', saveNow);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') saveNow();
  });
  api.listen((news) => panel.handle(news));
  render(
    <PanelContext.Provider value={panel}>
      <App />
    </PanelContext.Provider>,
    root,
  );
  window.addEventListener('focus', () => panel.noteFocus());
  await panel.start();
}

const root = document.getElementById('root');
if (root) void main(root);
