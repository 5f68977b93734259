import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** User settings of an editor started by the scripts: a quiet window in which only DevChat is to be seen. */
export const quietSettings = {
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'git.openRepositoryInParentFolders': 'never',
  // Otherwise the extension host looks through all processes every few seconds for ports. The first alone does not end it.
  'remote.autoForwardPorts': false,
  'remote.autoForwardPortsSource': 'output',
  'security.workspace.trust.startupPrompt': 'never',
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  // Modal dialogs as part of the page, where a browser test can press their buttons.
  'window.dialogStyle': 'custom',
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.welcomePage.experimentalOnboarding': false,
};

/**
 * @param {string} userDataDir
 * @returns {string}
 */
function settingsFile(userDataDir) {
  return join(userDataDir, 'User', 'settings.json');
}

/**
 * Changes user settings; open windows follow at once.
 * @param {string} userDataDir
 * @param {Record<string, unknown>} changes
 */
export function updateUserSettings(userDataDir, changes) {
  const file = settingsFile(userDataDir);
  const current = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ ...current, ...changes }, null, 2)}\n`);
}

/**
 * Writes the quiet settings unless the folder has settings of its own.
 * @param {string} userDataDir
 */
export function presetUserSettings(userDataDir) {
  if (!existsSync(settingsFile(userDataDir))) updateUserSettings(userDataDir, quietSettings);
}
