import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { v7 as uuid } from 'uuid';
import { RawPeer } from '../../support/peers.ts';
import { Random } from '../../support/random.ts';
import { flood, rawFrame, strangeFrames, strangers, type Target, traitors } from '../faults/hostile.ts';
import { undoLater } from '../fleet/cleanup.ts';
import { Fleet } from '../fleet/fleet.ts';
import { addMessage } from '../fleet/traffic.ts';
import type { Window } from '../fleet/window.ts';
import { plan, report } from '../plan.ts';

/** How long a hostile connection may last, in ms. */
const PATIENCE = 5000;

/** How much memory hostile connections may cost an instance, in bytes. */
const COST = 20 * 2 ** 20;

/** Memory of a process, in bytes. */
function residentSize({ child }: Window): number {
  const [, kilobytes] = /VmRSS:\s*(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

function targetOf(fleet: Fleet, window: Window): Target {
  return fleet.look((sqlite) => ({
    endpoint: String(sqlite.prepare('SELECT endpoint FROM peers WHERE instance_id = ?').pluck().get(window.instanceId)),
    secret: String(sqlite.prepare(`SELECT value FROM meta WHERE key = 'peer_secret'`).pluck().get()),
  }));
}

/** Tries to connect as another user. */
function connectAsNobody(endpoint: string): string {
  const script = `require('net').connect(process.argv[1])
    .on('connect', () => { console.log('connected'); process.exit(); })
    .on('error', ({ code }) => console.log(code))`;
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  return execFileSync('setpriv', [...nobody, process.execPath, '-e', script, endpoint], { encoding: 'utf8' }).trim();
}

describe('hostile peers', () => {
  beforeEach(function () {
    if (process.platform !== 'linux') this.skip();
  });

  it('are cut off in time and cost little, and all windows go on', async () => {
    const random = new Random(plan.seed, 'hostile peers');
    const fleet = new Fleet();
    const [target, sibling] = await fleet.startAll(2);
    assert.ok(target && sibling);
    const at = targetOf(fleet, target);
    const conversation = (await target.create(uuid())) ?? '';
    const sizeBefore = residentSize(target);
    const trusted = new Set<string>();
    target.events.on('status', () => target.status?.peers.forEach(({ editor }) => void trusted.add(editor)));
    let longest = 0;
    const timed = async (what: string, attack: Promise<unknown>) => {
      const begun = performance.now();
      for (const window of [target, sibling]) assert.ok(await addMessage(window, conversation, random), what);
      await attack;
      longest = Math.max(longest, performance.now() - begun);
      assert.ok(longest < PATIENCE, `${what}: ${Math.round(longest)} ms`);
    };
    await Promise.all(Object.entries(strangers).map(([what, attack]) => timed(what, attack(at, random))));
    await timed('a flood of connections', flood(at, random));
    const peers = Object.entries(traitors).map(async ([what, attack]) => {
      const peer = await RawPeer.prove(at.endpoint, at.secret);
      attack(peer, random);
      await timed(what, peer.closed);
    });
    await Promise.all(peers);
    const strange = await RawPeer.prove(at.endpoint, at.secret);
    for (const text of strangeFrames) strange.socket.write(rawFrame(text));
    await timed('strange frames', target.request('sync/status', {}));
    strange.socket.destroy();
    assert.equal(trusted.has('Stranger'), false, 'nobody is trusted who has not proved himself');
    const cost = residentSize(target) - sizeBefore;
    assert.ok(cost < COST, `${cost} bytes`);
    await fleet.conclude();
    report(`cut off within ${Math.round(longest)} ms, ${(cost / 2 ** 20).toFixed(1)} MB`);
  });

  it('of another user do not get through', async function () {
    if (process.getuid?.() !== 0) this.skip();
    const fleet = new Fleet();
    const window = await fleet.start();
    const { endpoint } = targetOf(fleet, window);
    // What lies above is open to all, so that it is the product’s own folder that keeps others out.
    for (const directory of [fleet.directory, dirname(dirname(endpoint))]) chmodSync(directory, 0o755);
    assert.equal(connectAsNobody(endpoint), 'EACCES');
    const open = join(fleet.directory, 'open.sock');
    const server = createServer().listen(open, () => chmodSync(open, 0o777));
    undoLater(() => server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    assert.equal(connectAsNobody(open), 'connected', 'the attempt itself works');
  });

  it('in the registry, made up by somebody, keep nobody from finding the others', async () => {
    const fleet = new Fleet();
    const [one] = await fleet.startAll(2);
    assert.ok(one);
    const place = (name: string) => join(fleet.directory, name);
    mkdirSync(place('folder'));
    writeFileSync(place('file'), 'kept');
    execFileSync('mkfifo', [place('fifo')]);
    const visitors: string[] = [];
    const tcp = createServer((socket) => {
      visitors.push('tcp');
      socket.destroy();
    }).listen(0, '127.0.0.1');
    undoLater(() => tcp.close());
    await new Promise((resolve) => tcp.once('listening', resolve));
    const { port } = tcp.address() as { port: number };
    const endpoints = [
      place('file'),
      place('fifo'),
      place('folder'),
      place('missing'),
      '',
      '/',
      '\0',
      `${port}`,
      'x'.repeat(5000),
    ];
    fleet.look((sqlite) => {
      const insert = sqlite.prepare(`INSERT INTO peers VALUES (?, ?, 1, 'poison', '1', 1)`);
      // Before and after the real ones in the order of their ids.
      for (const [index, endpoint] of endpoints.entries()) {
        for (const digit of ['0', 'f']) insert.run(`${digit.repeat(8)}-0000-7000-8000-00000000000${index}`, endpoint);
      }
    });
    const [three, four] = await Promise.all([fleet.start(), fleet.start()]);
    await Promise.all([one, three, four].map((window) => fleet.knowsAll(window)));
    for (const name of ['file', 'fifo', 'folder']) assert.ok(existsSync(place(name)), name);
    assert.deepEqual(visitors, []);
    fleet.look((sqlite) => sqlite.exec(`DELETE FROM peers WHERE editor = 'poison'`));
    await fleet.conclude();
  });
});
