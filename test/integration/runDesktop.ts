// Runs the integration suites in a desktop VS Code: VSCODE_EXECUTABLE, or one that is downloaded.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runTests } from '@vscode/test-electron';
import { presetUserSettings } from '../../scripts/lib/editorSettings.mjs';
import { cacheDir, root, runMain } from '../../scripts/lib/step.mjs';
import { createTempDir } from '../../scripts/lib/tempDir.mjs';

await runMain(async () => {
  const { path: base, remove } = createTempDir();
  const workspace = join(base, 'workspace');
  const userDataDir = join(base, 'user');
  mkdirSync(workspace);
  presetUserSettings(userDataDir);
  const executable = process.env['VSCODE_EXECUTABLE'];
  try {
    await runTests({
      ...(executable ? { vscodeExecutablePath: executable } : {}),
      cachePath: join(cacheDir, 'vscode-test'),
      extensionDevelopmentPath: root,
      extensionTestsPath: join(root, 'dist', 'test', 'integration', 'index.cjs'),
      extensionTestsEnv: { DEVCHAT_HOME: join(base, 'home') },
      launchArgs: [
        workspace,
        ...['--user-data-dir', userDataDir, '--extensions-dir', join(base, 'extensions')],
        ...['--disable-workspace-trust', '--disable-telemetry', '--disable-updates', '--skip-welcome'],
      ],
    });
  } finally {
    remove();
  }
});
