import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../../../../src/store/recovery/lock.ts';
import { useTempDirectory } from '../../../support/tempDirectory.ts';

describe('lock of a recovery', () => {
  const directory = useTempDirectory();

  it('holds against other processes though this one asks for it again', async () => {
    const path = join(directory.path, 'chat.db');
    const script = `new (require('better-sqlite3'))(${JSON.stringify(`${path}.lock`)}, { timeout: 0 }).exec('BEGIN EXCLUSIVE')`;
    let again: Promise<void> | undefined;
    await withLock(path, () => {
      again = withLock(path, () => undefined);
      const { stderr } = spawnSync(process.execPath, ['-e', script]);
      assert.match(String(stderr), /SQLITE_BUSY/);
    });
    await again;
  });

  it('does not care what was written into its file', async () => {
    const path = join(directory.path, 'chat.db');
    writeFileSync(`${path}.lock`, 'something that is no database, and long enough to look like a header '.repeat(9));
    const { ino } = statSync(`${path}.lock`);
    assert.equal(await withLock(path, () => 'done'), 'done');
    assert.equal(statSync(`${path}.lock`).ino, ino);
  });
});
