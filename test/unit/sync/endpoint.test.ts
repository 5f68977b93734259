import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { newEndpoint, removeStaleSocket, socketDirectories } from '../../../src/sync/peers/endpoint.ts';
import { hasReason } from '../../support/database.ts';
import { useTempDirectory } from '../../support/tempDirectory.ts';

describe('endpoint of an instance', () => {
  const directory = useTempDirectory();

  beforeEach(function () {
    // Pipes of Windows have no directory.
    if (process.platform === 'win32') this.skip();
  });

  const place = (name: string) => join(directory.path, name);

  it('is a new short path in a directory for this user alone', () => {
    const [first, second] = [newEndpoint([place('s')]), newEndpoint([place('s')])];
    assert.notEqual(first, second);
    assert.equal(dirname(first), place('s'));
    assert.ok(Buffer.byteLength(first) <= 100);
    assert.equal(lstatSync(place('s')).mode & 0o777, 0o700);
  });

  it('fills the limit of 100 bytes, and not one more', () => {
    const room = 100 - Buffer.byteLength(newEndpoint([directory.path])) - 1;
    assert.equal(Buffer.byteLength(newEndpoint([place('d'.repeat(room))])), 100);
    assert.throws(() => newEndpoint([place('d'.repeat(room + 1))]), /too long/);
    // Bytes count, not characters.
    assert.throws(() => newEndpoint([place('ü'.repeat(room))]), /too long/);
  });

  it('lies in the next directory when the first one is too deep', () => {
    const deep = place('x'.repeat(150));
    assert.equal(dirname(newEndpoint([deep, place('s')])), place('s'));
    assert.equal(existsSync(deep), false);
  });

  const unsafe: [what: string, make: (path: string) => void][] = [
    ['others may enter', (path) => mkdirSync(path, { mode: 0o755 })],
    ['the group may write to', (path) => mkdirSync(path, { mode: 0o700 | 0o020 })],
    [
      'is a link to a private one',
      (path) => {
        mkdirSync(`${path}-target`, { mode: 0o700 });
        symlinkSync(`${path}-target`, path);
      },
    ],
    ['is a file', (path) => writeFileSync(path, '')],
  ];
  for (const [what, make] of unsafe) {
    it(`does not lie in a directory that ${what}`, () => {
      const umask = process.umask(0);
      make(place('unsafe'));
      process.umask(umask);
      assert.throws(() => newEndpoint([place('unsafe')]), hasReason('unexpected'));
      assert.equal(dirname(newEndpoint([place('unsafe'), place('s')])), place('s'));
    });
  }

  it('prefers the directory of the session, then temporary ones of this user', () => {
    const temporary = [join(tmpdir(), 'devchat-7'), join('/tmp', 'devchat-7')];
    assert.deepEqual(socketDirectories({ XDG_RUNTIME_DIR: '/run/user/7' }, 7), ['/run/user/7/devchat', ...temporary]);
    assert.deepEqual(socketDirectories({}, 7), temporary);
  });

  it('of a dead instance is removed, but nothing that is not a socket', async () => {
    const socket = newEndpoint([place('s')]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    removeStaleSocket(socket);
    assert.equal(existsSync(socket), false);
    server.close();
    writeFileSync(place('file'), 'kept');
    symlinkSync(place('file'), place('link'));
    for (const name of ['file', 'link', 's', 'missing']) removeStaleSocket(place(name));
    for (const name of ['file', 'link', 's']) assert.ok(existsSync(place(name)), name);
  });
});
