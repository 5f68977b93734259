import * as v from 'valibot';
import { Disposable, type Event, type Uri, type Webview, workspace } from 'vscode';
import { DevChatError, serialiseError } from '../protocol/errors.ts';
import { type PanelKind, type PanelMethod, type PanelParams, panelParams } from '../protocol/panel.ts';
import type { ChatController } from './chatController.ts';
import { settings } from './contributions.ts';
import { panelPage, panelRoot } from './panelPage.ts';
import { panelStrings } from './panelStrings.ts';
import type { Post } from './pieceFlow.ts';

const Request = v.object({ id: v.number(), method: v.string(), params: v.unknown() });

/** Where a panel is shown: in the view, or in an editor. */
export interface PanelFrame {
  webview: Webview;
  kind: PanelKind;
  isVisible(): boolean;
  onDidChangeVisibility: Event<unknown>;
}

/** Loads the panel's program into a frame, and has a chat answer it, until that is disposed of. */
export function connectPanel(
  { webview, kind, ...frame }: PanelFrame,
  extensionUri: Uri,
  chat: ChatController,
): Disposable {
  const post: Post = (event) => webview.postMessage(event);
  webview.options = { enableScripts: true, localResourceRoots: [panelRoot(extensionUri)] };
  const load = () => {
    chat.attach(post);
    webview.html = panelPage(webview, extensionUri, panelStrings(), kind);
  };
  let wasVisible = frame.isVisible();
  const connection = Disposable.from(
    webview.onDidReceiveMessage((request) => answer(chat, request, post)),
    // The page ends when it is hidden, and starts anew when it is shown again.
    frame.onDidChangeVisibility(() => {
      if (frame.isVisible() === wasVisible) return;
      wasVisible = frame.isVisible();
      chat.attach(wasVisible ? post : undefined);
    }),
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(settings.chatMath)) load();
    }),
    new Disposable(() => chat.attach(undefined)),
  );
  load();
  return connection;
}

async function answer(chat: ChatController, message: unknown, post: Post): Promise<void> {
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
