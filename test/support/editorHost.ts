import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { installExtension } from '../../scripts/lib/editorExtensions.mjs';
import { type EditorHost, type EditorHostOptions, startEditorHost } from '../../scripts/lib/editorHost.mjs';
import { presetUserSettings, updateUserSettings } from '../../scripts/lib/editorSettings.mjs';
import { writeOutput } from '../../scripts/lib/outputs.mjs';
import { createTempDir, tempEnvironment } from '../../scripts/lib/tempDir.mjs';

export { type EditorHost, startEditorHost };

/** A running editor with folders of its own below one temporary folder. */
export interface TestEditor {
  host: EditorHost;
  /** The workspace folder: empty at first. */
  workspace: string;
  devchatHome: string;
  userDataDir: string;
  extensionsDir: string;
  /** Environment of a program that shares the editor's histories. */
  env: NodeJS.ProcessEnv;
  /** Replaces the workspace's settings; open windows follow at once (they do not watch the user's settings). */
  setWorkspaceSettings(settings: Record<string, unknown>): void;
  /** Stops the editor and removes its folders. */
  stop(): Promise<void>;
}

/** What a test may change about its editor. */
export interface TestEditorOptions extends Partial<EditorHostOptions> {
  /** User settings in addition to the quiet ones. */
  settings?: Record<string, unknown>;
  /** A packaged extension to install. */
  vsix?: string;
}

/** Starts an editor that shares nothing with other tests. */
export async function startTestEditor({
  settings = {},
  vsix,
  ...options
}: TestEditorOptions = {}): Promise<TestEditor> {
  const { path: base, remove } = createTempDir();
  const workspace = join(base, 'workspace');
  const folders = {
    userDataDir: join(base, 'user'),
    extensionsDir: join(base, 'ext'),
    devchatHome: join(base, 'home'),
  };
  mkdirSync(workspace);
  presetUserSettings(folders.userDataDir);
  updateUserSettings(folders.userDataDir, settings);
  const env = { HOME: base, ...tempEnvironment(base), ...options.env };
  const start = async () => {
    if (vsix) await installExtension(vsix, folders);
    return startEditorHost({ ...folders, ...options, env });
  };
  const host = await start().catch((error: unknown) => {
    remove();
    throw error;
  });
  const stop = async () => {
    await host.stop();
    remove();
  };
  const setWorkspaceSettings = (values: Record<string, unknown>) => {
    writeOutput(join(workspace, '.vscode', 'settings.json'), Buffer.from(JSON.stringify(values)));
  };
  const shared = { ...process.env, ...env, DEVCHAT_HOME: folders.devchatHome };
  return { host, workspace, ...folders, env: shared, setWorkspaceSettings, stop };
}
