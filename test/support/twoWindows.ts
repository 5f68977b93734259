import { root } from '../../scripts/lib/step.mjs';
import { ChatPanel } from './chatPanel.ts';
import { startTestEditor, type TestEditor, type TestEditorOptions } from './editorHost.ts';
import type { EditorWindow } from './editorWindow.ts';
import { Windows } from './windows.ts';

/** One window with its chat panel. */
export interface ChatWindow {
  window: EditorWindow;
  panel: ChatPanel;
}

/** Two windows of one editor on one folder. */
export interface TwoWindows {
  editor: TestEditor;
  windows: Windows;
  a: ChatWindow;
  b: ChatWindow;
  close(): Promise<void>;
}

/** Starts an editor with the extension under development and opens two windows on its folder. */
export async function openTwoWindows(options: TestEditorOptions = {}): Promise<TwoWindows> {
  const editor = await startTestEditor(options);
  const windows = await Windows.launch().catch(async (error: unknown) => {
    await editor.stop();
    throw error;
  });
  const close = async () => {
    await windows.close();
    await editor.stop();
  };
  try {
    const a = await openChat(editor, windows, 1);
    const b = await openChat(editor, windows, 2);
    return { editor, windows, a, b, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens one more window on the editor's folder and its chat panel. */
export async function openChat(editor: TestEditor, windows: Windows, window: number): Promise<ChatWindow> {
  const opened = await windows.open(editor.host.url(editor.workspace, { development: root, window }));
  await opened.showDevChat();
  return { window: opened, panel: await ChatPanel.of(opened) };
}

/** Begins a conversation, and waits until the panel shows it: what is typed before goes to the one that was shown. */
export async function startConversation({ window, panel }: ChatWindow): Promise<void> {
  await window.command('devchat.newConversation');
  await panel.frame.getByText('Nothing here yet').waitFor();
}
