import { homedir } from 'node:os';
import { join, posix, win32 } from 'node:path';

/** The user's data directory for DevChat: `DEVCHAT_HOME`, else the platform's place for local application data. */
export function dataDir(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  if (env['DEVCHAT_HOME']) return (platform === 'win32' ? win32 : posix).resolve(env['DEVCHAT_HOME']);
  if (platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'), 'devchat');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'devchat');
  return join(env['XDG_DATA_HOME'] || join(home, '.local', 'share'), 'devchat');
}
