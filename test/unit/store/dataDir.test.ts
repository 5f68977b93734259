import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { dataDir } from '../../../src/store/dataDir.ts';

describe('data directory', () => {
  const home = join('/home', 'me');
  const cases: [name: string, env: NodeJS.ProcessEnv, platform: NodeJS.Platform, expected: string][] = [
    ['DEVCHAT_HOME', { DEVCHAT_HOME: '/x', XDG_DATA_HOME: '/y' }, 'linux', '/x'],
    ['DEVCHAT_HOME on Windows', { DEVCHAT_HOME: 'X:\\x', LOCALAPPDATA: 'C:\\y' }, 'win32', 'X:\\x'],
    ['XDG_DATA_HOME', { XDG_DATA_HOME: '/y' }, 'linux', join('/y', 'devchat')],
    ['Linux', {}, 'linux', join(home, '.local', 'share', 'devchat')],
    [
      'Linux with empty variables',
      { DEVCHAT_HOME: '', XDG_DATA_HOME: '' },
      'linux',
      join(home, '.local/share/devchat'),
    ],
    ['macOS', { XDG_DATA_HOME: '/y' }, 'darwin', join(home, 'Library', 'Application Support', 'devchat')],
    ['LOCALAPPDATA', { LOCALAPPDATA: '/local' }, 'win32', join('/local', 'devchat')],
    ['Windows without LOCALAPPDATA', {}, 'win32', join(home, 'AppData', 'Local', 'devchat')],
    ['another Unix', {}, 'freebsd', join(home, '.local', 'share', 'devchat')],
  ];
  it('is absolute though DEVCHAT_HOME is not', () => {
    assert.equal(dataDir({ DEVCHAT_HOME: 'here' }), resolve('here'));
  });

  for (const [name, env, platform, expected] of cases) {
    it(`follows ${name}`, () => assert.equal(dataDir(env, platform, home), expected));
  }
});
