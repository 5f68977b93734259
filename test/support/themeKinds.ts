import type { ChatPanel } from './chatPanel.ts';
import type { TestEditor } from './editorHost.ts';
import { type EditorWindow, themes } from './editorWindow.ts';

/** The class of each kind of theme on the workbench and on the page of a panel. */
const kinds = {
  light: ['vs', 'vscode-light'],
  dark: ['vs-dark', 'vscode-dark'],
  highContrast: ['hc-black', 'vscode-high-contrast'],
  highContrastLight: ['hc-light', 'vscode-high-contrast-light'],
} as const;

export type ThemeKind = keyof typeof kinds;

export const themeKinds = Object.keys(kinds) as ThemeKind[];

/** Shows a window in a theme of a kind; resolves when its panel has followed. Other workspace settings are replaced. */
export async function showTheme(
  kind: ThemeKind,
  { editor, window, panel }: { editor: TestEditor; window: EditorWindow; panel: ChatPanel },
  settings: Record<string, unknown> = {},
): Promise<void> {
  const [workbench, page] = kinds[kind];
  editor.setWorkspaceSettings({ 'workbench.colorTheme': themes[kind], ...settings });
  await window.themeKind(workbench);
  await panel.frame.locator(`body.${page}`).waitFor();
}
