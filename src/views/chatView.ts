import * as v from 'valibot';
import { type Disposable, type Uri, type WebviewView, type WebviewViewProvider, window, workspace } from 'vscode';
import { DevChatError, serialiseError } from '../protocol/errors.ts';
import { type PanelEvent, type PanelMethod, type PanelParams, panelParams } from '../protocol/panel.ts';
import type { ChatController } from './chatController.ts';
import { settings, views } from './contributions.ts';
import { panelPage, panelRoot } from './panelPage.ts';
import { panelStrings } from './panelStrings.ts';

const Request = v.object({ id: v.number(), method: v.string(), params: v.unknown() });

/** Registers the chat panel: a page whose requests the controller answers. */
export function registerChatView(extensionUri: Uri, chat: ChatController): Disposable {
  const provider: WebviewViewProvider = {
    resolveWebviewView: (view) => connect(view, extensionUri, chat),
  };
  return window.registerWebviewViewProvider(views.chat, provider);
}

function connect(view: WebviewView, extensionUri: Uri, chat: ChatController): void {
  const { webview } = view;
  const post = (event: PanelEvent) => void webview.postMessage(event);
  webview.options = { enableScripts: true, localResourceRoots: [panelRoot(extensionUri)] };
  const listener = webview.onDidReceiveMessage((request) => answer(chat, request, post));
  // The page ends when it is hidden, and starts anew when it is shown again.
  const visibility = view.onDidChangeVisibility(() => chat.attach(view.visible ? post : undefined));
  const setting = workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration(settings.chatMath)) load();
  });
  view.onDidDispose(() => {
    listener.dispose();
    setting.dispose();
    visibility.dispose();
    chat.attach(undefined);
  });
  const load = () => {
    chat.attach(post);
    webview.html = panelPage(webview, extensionUri, panelStrings());
  };
  load();
}

async function answer(chat: ChatController, message: unknown, post: (event: PanelEvent) => void): Promise<void> {
  const request = v.safeParse(Request, message);
  // Not one of ours, so there is nobody to answer.
  if (!request.success) return;
  const { id, method, params } = request.output;
  try {
    if (!isPanelMethod(method)) throw new DevChatError('bad-request', `The panel cannot ask for “${method}”.`);
    const checked = v.safeParse(panelParams[method] as v.GenericSchema<unknown, PanelParams<typeof method>>, params);
    if (!checked.success) throw new DevChatError('bad-request', `${method}: ${checked.issues[0].message}`);
    post({ type: 'result', id, result: await chat.handle(method, checked.output) });
  } catch (error) {
    post({ type: 'error', id, error: serialiseError(error) });
  }
}

function isPanelMethod(method: string): method is PanelMethod {
  return Object.hasOwn(panelParams, method);
}
