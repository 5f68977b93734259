import { Disposable, type Uri, type WebviewViewProvider, window } from 'vscode';
import type { Chats } from './chats.ts';
import { views } from './contributions.ts';
import { connectPanel } from './panelConnection.ts';

/** Registers the chat view, and has all chats mark what was read when the user comes back to the window. */
export function registerChatView(extensionUri: Uri, chats: Chats): Disposable {
  const provider: WebviewViewProvider = {
    resolveWebviewView: (view) => {
      const { webview, onDidChangeVisibility } = view;
      const frame = { webview, kind: 'view', isVisible: () => view.visible, onDidChangeVisibility } as const;
      const connection = connectPanel(frame, extensionUri, chats.view);
      view.onDidDispose(() => connection.dispose());
    },
  };
  return Disposable.from(
    window.registerWebviewViewProvider(views.chat, provider),
    window.onDidChangeWindowState(() => {
      for (const chat of chats.all) chat.lookForRead();
    }),
  );
}
