import * as v from 'valibot';
import {
  Disposable,
  ThemeIcon,
  type Uri,
  ViewColumn,
  type WebviewPanel,
  type WebviewPanelSerializer,
  window,
} from 'vscode';
import type { ChatController } from './chatController.ts';
import type { Chats } from './chats.ts';
import { chatEditorType } from './contributions.ts';
import { titleOf } from './conversationItems.ts';
import type { History } from './history.ts';
import { connectPanel } from './panelConnection.ts';

/** As much of a panel's kept state as its editor needs. */
const Kept = v.object({ conversationId: v.nullable(v.string()) });

/** What chat editors are made of. */
export interface ChatEditorPorts {
  extensionUri: Uri;
  history: History;
  chats: Chats;
}

/** The chat editors of a window: each shows a conversation, with a draft and a reading position of its own. */
export class ChatEditors implements Disposable {
  readonly #ports: ChatEditorPorts;
  readonly #panels = new Map<ChatController, WebviewPanel>();
  readonly #serializer: Disposable;

  constructor(ports: ChatEditorPorts) {
    this.#ports = ports;
    const serializer: WebviewPanelSerializer = {
      deserializeWebviewPanel: async (panel, state) => {
        const kept = v.safeParse(Kept, state);
        this.#connect(panel, kept.success ? kept.output.conversationId : null);
      },
    };
    this.#serializer = window.registerWebviewPanelSerializer(chatEditorType, serializer);
  }

  /** Shows a conversation in an editor: in the one that shows it already, or in another. */
  open(conversationId: string | null): void {
    const open = [...this.#panels].find(([chat]) => conversationId !== null && chat.selected === conversationId);
    if (open) open[1].reveal();
    else this.#connect(window.createWebviewPanel(chatEditorType, '', ViewColumn.Active, {}), conversationId);
  }

  dispose(): void {
    this.#serializer.dispose();
  }

  #connect(panel: WebviewPanel, conversationId: string | null): void {
    const { extensionUri, history, chats } = this.#ports;
    const chat = chats.open();
    this.#panels.set(chat, panel);
    panel.iconPath = new ThemeIcon('comment-discussion');
    const name = () => {
      const conversation = chat.selected === null ? undefined : history.get(chat.selected);
      panel.title = conversation ? titleOf(conversation) : 'DevChat';
    };
    chat.events.on('selected', name);
    history.events.on('updated', name);
    const { webview, onDidChangeViewState } = panel;
    const frame = {
      webview,
      kind: 'editor',
      isVisible: () => panel.visible,
      onDidChangeVisibility: onDidChangeViewState,
    } as const;
    const connection = Disposable.from(
      connectPanel(frame, extensionUri, chat),
      onDidChangeViewState(() => {
        if (panel.active) chats.use(chat);
      }),
    );
    panel.onDidDispose(() => {
      history.events.off('updated', name);
      this.#panels.delete(chat);
      connection.dispose();
      chats.close(chat);
    });
    // What is not loaded yet may turn out to be there; the chat says so when it is not.
    chat.select(conversationId);
    name();
    if (panel.active) chats.use(chat);
  }
}
