import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { isEndpoint, newEndpoint, removeStaleSocket, socketDirectories } from '../../../src/sync/peers/endpoint.ts';
import { hasReason } from '../../support/database.ts';
import { useTempDirectory } from '../../support/tempDirectory.ts';

/** A user without rights. */
const NOBODY = 65_534;

/** How a program of another user fares that connects to an endpoint. */
async function connectAs(uid: number, endpoint: string): Promise<string> {
  const program = `const socket = require('node:net').createConnection(process.argv[1]);
    socket.on('connect', () => { console.log('connected'); socket.destroy(); });
    socket.on('error', ({ code }) => console.log(code));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', program, endpoint], {
    uid,
    gid: uid,
    cwd: '/',
  });
  return stdout.trim();
}

describe('endpoint of a Windows instance', () => {
  const name = newEndpoint([], 'win32');

  it('is a pipe of this machine whose name nobody can guess', () => {
    assert.match(name, /^\\\\\.\\pipe\\devchat-[0-9a-f]{32}$/);
    assert.notEqual(newEndpoint([], 'win32'), name);
  });

  it('is not taken for one that lies on another machine, or belongs to another program', () => {
    assert.ok(isEndpoint(name, 'win32'));
    const foreign = [
      name.replace('.', 'elsewhere'),
      name.replace('devchat', 'docker'),
      `${name}\\x`,
      '\\\\.\\pipe\\',
      '',
      '8080',
    ];
    for (const other of foreign) assert.equal(isEndpoint(other, 'win32'), false, other);
  });
});

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
    ['anybody may write to', (path) => mkdirSync(path, { mode: 0o777 })],
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

  it('does not lie in a directory of another user', function () {
    // Only the administrator can give a directory away.
    if (process.getuid?.() !== 0) this.skip();
    mkdirSync(place('foreign'), { mode: 0o700 });
    chownSync(place('foreign'), NOBODY, NOBODY);
    assert.throws(() => newEndpoint([place('foreign')]), /another user/);
  });

  for (const isOpen of [false, true]) {
    it(`is ${isOpen ? 'reached' : 'out of reach'} for another user when its directory is ${isOpen ? 'open to all' : 'private'}`, async function () {
      if (process.getuid?.() !== 0) this.skip();
      chmodSync(directory.path, 0o755);
      const endpoint = newEndpoint([place('s')]);
      const server = createServer().listen(endpoint);
      await once(server, 'listening');
      directory.defer(() => server.close());
      if (isOpen) {
        chmodSync(place('s'), 0o755);
        chmodSync(endpoint, 0o777);
      }
      assert.equal(await connectAs(NOBODY, endpoint), isOpen ? 'connected' : 'EACCES');
    });
  }

  it('prefers the directory of the session, then temporary ones of this user', () => {
    const temporary = [join(tmpdir(), 'devchat-7'), join('/tmp', 'devchat-7')];
    assert.deepEqual(socketDirectories({ XDG_RUNTIME_DIR: '/run/user/7' }, 7), ['/run/user/7/devchat', ...temporary]);
    assert.deepEqual(socketDirectories({}, 7), temporary);
  });

  it('is not taken for the socket of another program', () => {
    const endpoint = newEndpoint([place('s')]);
    assert.ok(isEndpoint(endpoint));
    const foreign = ['', '8080', 'x.sock', endpoint.slice(1), `\0${endpoint}`, `${endpoint}\0`, '/run/docker.sock'];
    for (const other of [...foreign, `/${'d'.repeat(100)}${endpoint}`]) assert.equal(isEndpoint(other), false, other);
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
