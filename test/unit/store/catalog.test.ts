import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { text } from 'node:stream/consumers';
import Sqlite from 'better-sqlite3';
import type { RelinkResult } from '../../../src/protocol/rpc.ts';
import { catalogedWorkspaces, relinkWorkspace, workspaceDirectory } from '../../../src/store/catalog.ts';
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

describe('linking a folder with another history', () => {
  const directory = useTempDirectory();

  const home = () => join(directory.path, 'home');
  const place = (name: string) => join(directory.path, name);
  const open = (name: string) => workspaceDirectory(home(), [place(name)]);
  const relink = (name: string, history: string) => relinkWorkspace(home(), place(name), history);
  const listed = (id: string) => catalogedWorkspaces(home()).find((workspace) => workspace.id === id);

  /** Starts a history for a new folder. */
  function start(name: string): string {
    mkdirSync(place(name));
    const history = open(name);
    mkdirSync(history, { recursive: true });
    return basename(history);
  }

  /** Makes a folder anew under another name, as a clone or a restored backup does. */
  function copy(from: string, to: string): void {
    cpSync(place(from), place(to), { recursive: true });
    rmSync(place(from), { recursive: true });
  }

  it('gives a folder that was made anew elsewhere its history again, by its id', () => {
    const id = start('a');
    copy('a', 'b');
    assert.equal(listed(id)?.isInUse, false);
    assert.deepEqual(relink('b', id.toUpperCase()), { folder: place('b'), workspace: id, former: null });
    assert.equal(basename(open('b')), id);
    renameSync(place('b'), place('c'));
    assert.equal(basename(open('c')), id, 'it is known by its identity, too');
    assert.equal(listed(id)?.isInUse, true);
  });

  it('finds the history by a folder that is no more, under each of its names', function () {
    const id = start('a');
    copy('a', 'b');
    assert.equal(relink('b', relative(process.cwd(), place('a'))).workspace, id);
    if (process.platform === 'win32') this.skip();
    symlinkSync(directory.path, place('around'));
    start('c');
    assert.equal(relink('c', join(place('around'), 'a')).workspace, id);
  });

  it('finds it by the folder it had before it was renamed', () => {
    const id = start('a');
    renameSync(place('a'), place('b'));
    open('b');
    start('c');
    assert.equal(relink('c', place('a')).workspace, id);
    assert.equal(basename(open('b')), id, 'the folder that has it keeps it');
  });

  it('keeps the history that the folder had, which is found by its id, and says whose it was', () => {
    const [id, own] = [start('a'), start('b')];
    assert.equal(relink('b', id).former, own);
    assert.equal(basename(open('b')), id);
    const { folders, formerFolders, isInUse, directory: stored } = listed(own) ?? assert.fail();
    assert.deepEqual([folders, formerFolders, isInUse, existsSync(stored)], [[], [place('b')], false, true]);
    assert.deepEqual(listed(id)?.folders, [place('a'), place('b')]);
    assert.deepEqual(relink('b', own), { folder: place('b'), workspace: own, former: id });
    assert.equal(basename(open('b')), own);
    assert.deepEqual(listed(id)?.folders, [place('a')]);
  });

  it('tells when the folder has that history already', () => {
    const id = start('a');
    for (const name of [id, place('a')]) assert.deepEqual(relink('a', name).former, id);
    assert.deepEqual(listed(id)?.formerFolders, []);
  });

  it('finds histories of a catalog that was lost', () => {
    const id = start('a');
    rmSync(join(home(), 'catalog.db'));
    assert.deepEqual([listed(id)?.folders, listed(id)?.isInUse], [[], false]);
    const own = basename(open('a'));
    assert.notEqual(own, id);
    // Of a history that nobody has opened, nothing is kept.
    assert.equal(relink('a', id).former, null);
    assert.equal(basename(open('a')), id);
  });

  it('refuses what is no history, and leaves the folder its own', () => {
    const own = start('a');
    mkdirSync(place('b'));
    open('b');
    for (const unknown of ['0198c5a2-7b1e-7cc3-98c4-dc0c0c07398f', basename(open('b')), place('b'), 'nope', '..']) {
      assert.throws(() => relink('a', unknown), hasReason('not-found'));
    }
    assert.throws(() => relink('missing', own), hasReason('bad-request'));
    assert.equal(basename(open('a')), own);
  });

  it('asks for the id where a folder has led to several histories, and now leads to none of them', () => {
    const [first, second, third] = [start('a'), start('b'), start('c')];
    relink('a', second);
    relink('a', third);
    assert.equal(relink('b', place('a')).workspace, third, 'the one that it has now is meant');
    renameSync(place('a'), place('moved'));
    open('moved');
    const refused = (error: Error) => [first, second, third].every((id) => error.message.includes(id));
    assert.throws(() => relink('b', place('a')), refused);
    assert.throws(() => relink('b', place('a')), hasReason('bad-request'));
    assert.equal(relink('b', first).workspace, first);
  });

  it('links one after the other what is linked at once', async () => {
    const [own, ...others] = ['a', 'b', 'c'].map(start);
    const program = join(import.meta.dirname, 'relinkProgram.ts');
    const words = [program, home(), place('a'), ...others];
    const children = [1, 2].map(() => spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] }));
    for (const child of children) directory.defer(() => child.kill('SIGKILL'));
    const ends = children.map((child) => once(child, 'close'));
    await Promise.all(children.map(({ stdout }) => once(stdout, 'readable')));
    for (const { stdin } of children) stdin.write('go');
    const printed = await Promise.all(children.map(({ stdout }) => text(stdout)));
    assert.deepEqual(await Promise.all(ends), Array(children.length).fill([0, null]));
    const results = printed.flatMap((json) => JSON.parse(json) as RelinkResult[]);
    const last = basename(open('a'));
    for (const id of [own, ...others]) {
      // The folder leaves each history as often as it comes to it.
      const came = results.filter(({ workspace }) => workspace === id).length + Number(id === own);
      const left = results.filter(({ former }) => former === id).length + Number(id === last);
      assert.equal(came, left);
    }
  });
});
