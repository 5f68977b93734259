import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { workspaceDirectory } from '../../../src/store/catalog.ts';
import { findDatabase, locateDatabase } from '../../../src/store/location.ts';
import { hasReason } from '../../support/database.ts';
import { useTempDirectory } from '../../support/tempDirectory.ts';

describe('catalog of workspaces', () => {
  const directory = useTempDirectory();

  const home = () => join(directory.path, 'home');
  const place = (name: string) => join(directory.path, name);
  const folder = (name: string) => {
    mkdirSync(place(name), { recursive: true });
    return place(name);
  };
  const open = (...folders: string[]) => workspaceDirectory(home(), folders);

  it('gives a folder a random directory, and the same one every time', () => {
    const first = open(folder('a'));
    assert.match(first.slice(home().length), /^[\\/]workspaces[\\/][0-9a-f-]{36}$/);
    assert.equal(open(place('a')), first);
    assert.notEqual(open(folder('b')), first);
  });

  it('knows a folder under every name that leads to it', function () {
    if (process.platform === 'win32') this.skip();
    const first = open(folder('a'));
    symlinkSync(place('a'), place('link'));
    symlinkSync(directory.path, place('around'));
    assert.equal(open(place('link')), first);
    assert.equal(open(join(place('around'), 'a')), first);
    assert.equal(open(`${place('a')}/../a/`), first);
    // Remembered is the true name, which outlives the folder.
    rmSync(place('a'), { recursive: true });
    folder('between');
    assert.equal(open(folder('a')), first);
  });

  it('knows a folder after it was renamed or moved', () => {
    const first = open(folder('a'));
    renameSync(place('a'), place('renamed'));
    assert.equal(open(place('renamed')), first);
    folder('deep/er');
    renameSync(place('renamed'), place('deep/er/moved'));
    assert.equal(open(place('deep/er/moved')), first);
    // The old name is free for another folder.
    assert.notEqual(open(folder('a')), first);
  });

  it('keeps the history of a path whose folder was made anew', () => {
    const first = open(folder('a'));
    rmSync(place('a'), { recursive: true });
    // Takes the inode, so that the new folder is another one for sure.
    folder('between');
    assert.equal(open(folder('a')), first);
  });

  it('gives a new folder no other folder’s history, though it may have got the inode of a deleted one', () => {
    const first = open(folder('a'));
    rmSync(place('a'), { recursive: true });
    const { dev, ino } = statSync(folder('b'), { bigint: true });
    const catalog = new Sqlite(join(home(), 'catalog.db'));
    // Some file systems give the inode of a deleted folder to the next one, and others do not.
    catalog.prepare('UPDATE folders SET dev = ?, ino = ?').run(`${dev}`, `${ino}`);
    catalog.close();
    const second = open(place('b'));
    assert.notEqual(second, first);
    assert.equal(open(folder('a')), first, 'the deleted folder finds its history when it comes back');
    assert.equal(open(place('b')), second);
  });

  it('gives several folders the history of the first one that has any', () => {
    const [a, b, c] = [folder('a'), folder('b'), folder('c')];
    const ofB = open(b);
    assert.equal(open(a, b), ofB);
    assert.equal(open(b, a), ofB);
    const ofA = open(a);
    assert.notEqual(ofA, ofB);
    assert.equal(open(a, b), ofA);
    assert.equal(open(c, b, a), ofB);
  });

  it('gives several unknown folders one new history, which the first one keeps', () => {
    const both = open(folder('a'), folder('b'));
    assert.equal(open(place('a')), both);
    assert.notEqual(open(place('b')), both);
  });

  it('gives windows without a folder one history of the user', () => {
    const first = open();
    assert.equal(open(), first);
    assert.notEqual(open(folder('a')), first);
    assert.equal(open(), first);
  });

  it('refuses a folder that does not exist', () => {
    assert.throws(() => open(place('missing')), hasReason('bad-request'));
    assert.throws(() => open(folder('a'), place('missing')), hasReason('bad-request'));
  });

  it('says why it cannot be opened', () => {
    mkdirSync(join(home(), 'catalog.db'), { recursive: true });
    assert.throws(() => open(), hasReason('read-only'));
    rmSync(home(), { recursive: true });
    mkdirSync(home());
    writeFileSync(join(home(), 'catalog.db'), 'no database at all, '.repeat(99));
    assert.throws(() => open(), hasReason('corrupt'));
  });

  it('is for its user alone', function () {
    if (process.platform === 'win32') this.skip();
    open();
    assert.equal(statSync(home()).mode & 0o777, 0o700);
    assert.equal(statSync(join(home(), 'catalog.db')).mode & 0o777, 0o600);
  });

  it('is not asked when the history lies in the folder itself, hidden from version control', () => {
    const path = locateDatabase(home(), [folder('a'), folder('b')], 'workspaceFolder');
    assert.equal(path, join(place('a'), '.devchat', 'chat.db'));
    assert.equal(readFileSync(join(dirname(path), '.gitignore'), 'utf8'), '*\n');
    assert.equal(existsSync(home()), false);
    writeFileSync(join(dirname(path), '.gitignore'), 'my own\n');
    locateDatabase(home(), [place('a')], 'workspaceFolder');
    assert.equal(readFileSync(join(dirname(path), '.gitignore'), 'utf8'), 'my own\n');
    assert.equal(locateDatabase(home(), [], 'workspaceFolder'), join(open(), 'chat.db'));
  });

  it('tells where a history is without making one', () => {
    assert.equal(findDatabase(home(), folder('a')), undefined);
    assert.equal(existsSync(home()), false);
    const path = locateDatabase(home(), [place('a')], 'user');
    assert.equal(findDatabase(home(), place('a')), undefined);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '');
    assert.equal(findDatabase(home(), place('a')), path);
    assert.equal(findDatabase(home(), folder('b')), undefined);
    assert.throws(() => findDatabase(home(), place('missing')), hasReason('bad-request'));
  });
});
