import { root } from '../../scripts/lib/step.mjs';
import type { Conversation, Message } from '../../src/protocol/model.ts';
import { ChatPanel } from './chatPanel.ts';
import { startTestEditor, type TestEditor, type TestEditorOptions } from './editorHost.ts';
import type { EditorWindow } from './editorWindow.ts';
import { startOtherProgram } from './otherProgram.ts';
import type { RpcClient } from './rpcClient.ts';
import { Windows } from './windows.ts';

const OPEN_TIMEOUT = 5000;
const ATTEMPTS = 4;

/** A window of an editor with its chat panel, and another program on the same history. */
export interface OneWindow {
  editor: TestEditor;
  windows: Windows;
  window: EditorWindow;
  /** To be asked for again, and put here, after the window was reloaded. */
  panel: ChatPanel;
  /** The other program. */
  sibling: RpcClient;
  /** Adds a conversation as the other program. */
  create(title: string): Promise<Conversation>;
  /** Adds a message as the other program, of an assistant unless another role is given. */
  add(conversationId: string, content: string, more?: Partial<Message>): Promise<Message>;
  /** Shows a conversation, found by its title in the list. */
  open(title: string): Promise<void>;
  close(): Promise<void>;
}

/** What a test may change about its window. */
export interface OneWindowOptions extends TestEditorOptions {
  size?: { width: number; height: number };
  workspaceSettings?: Record<string, unknown>;
  /** Called before the panel is shown. */
  prepare?: (window: EditorWindow) => Promise<void>;
}

/** Starts an editor with the extension under development and opens one window on its folder. */
export async function openOneWindow(options: OneWindowOptions = {}): Promise<OneWindow> {
  const { size, workspaceSettings = {}, prepare, ...editorOptions } = options;
  const editor = await startTestEditor(editorOptions);
  editor.setWorkspaceSettings(workspaceSettings);
  const cleanups: (() => unknown)[] = [() => editor.stop()];
  const close = async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
  };
  try {
    const windows = await Windows.launch(size);
    cleanups.push(() => windows.close());
    const window = await windows.open(editor.host.url(editor.workspace, { development: root }));
    await prepare?.(window);
    await window.showDevChat();
    const panel = await ChatPanel.of(window);
    const sibling = await startOtherProgram(editor);
    cleanups.push(() => sibling.child.kill('SIGKILL'));
    const one: OneWindow = {
      ...{ editor, windows, window, panel, sibling, close },
      create: (title) => sibling.request('conversation/create', { title }),
      add: (conversationId, content, more) =>
        sibling.request('message/add', { conversationId, role: 'assistant', content, ...more }),
      open: async (title) => {
        const heading = one.panel.frame.getByRole('heading', { name: title, level: 1, exact: true });
        // The list may move under the pointer, when other conversations change.
        for (let attempt = 1; ; attempt++) {
          await window.conversations().open(title);
          const isOpen = heading.waitFor({ timeout: OPEN_TIMEOUT }).then(
            () => true,
            () => false,
          );
          if (await isOpen) break;
          if (attempt === ATTEMPTS) throw new Error(`${title} did not open.`);
        }
        // The title is there before the messages.
        await one.panel.frame.locator('[role=article], .empty').first().waitFor();
        // The editor moves the focus there last of all.
        await one.panel.frame.locator('textarea:focus').waitFor();
      },
    };
    return one;
  } catch (error) {
    await close();
    throw error;
  }
}
