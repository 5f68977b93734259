import { homedir } from 'node:os';
import { join } from 'node:path';

/** The user's data directory for DevChat: `DEVCHAT_HOME`, else the platform's place for local application data. */
export function dataDir(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  if (env['DEVCHAT_HOME']) return env['DEVCHAT_HOME'];
  if (platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'), 'devchat');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'devchat');
  return join(env['XDG_DATA_HOME'] || join(home, '.local', 'share'), 'devchat');
}
