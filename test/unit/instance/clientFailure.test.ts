import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mock } from 'node:test';
import { restartDelay } from '../../../src/instance/client/restartPolicy.ts';
import { useClients } from '../../support/clients.ts';

/** Starts a program in place of the instance. */
const node = (code: string) => spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'pipe', 'pipe'] });

describe('client of an instance that does not run', () => {
  const clients = useClients();

  let isMocked = false;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    isMocked = true;
  });
  afterEach(() => {
    mock.timers.reset();
    isMocked = false;
  });

  /** The same program, with the time that the client waits after its end already passed. */
  const hurried = (run: () => ReturnType<typeof node>) => () => {
    const child = run();
    child.once('close', () => setImmediate(() => isMocked && mock.timers.tick(2000)));
    return child;
  };

  it('gives up after five crashes and says so', async () => {
    const { client, reached, children, states } = clients.make(hurried(() => node('process.exit(3)')));
    client.start();
    const waiting = client.request('sync/status', {});
    await assert.rejects(waiting, { reason: 'instance-stopped', message: /keeps crashing/ });
    await reached('failed');
    assert.deepEqual([children.length, states], [5, ['restarting', 'failed']]);
    assert.match(client.problem ?? '', /keeps crashing/);
    await assert.rejects(client.request('sync/status', {}), { reason: 'instance-stopped', message: /keeps crashing/ });
  });

  it('tells the last error that the process wrote', async () => {
    // Its own child writes on when the process has ended already.
    const code = `const say = "console.error('[info] starting\\\\n[error] Something is missing.')";
      require('node:child_process').spawn(process.execPath, ['-e', say], { stdio: 'inherit' });
      process.exit(1)`;
    const { client, reached, log } = clients.make(hurried(() => node(code)));
    client.start();
    await reached('failed');
    assert.equal(client.problem, 'Something is missing.');
    assert.equal(log.filter((line) => line === 'error Something is missing.').length, 5);
  });

  it('gives up too when there is no such program', async () => {
    const missing = hurried(() => spawn(join(clients.directory.path, 'missing'), { stdio: ['pipe', 'pipe', 'pipe'] }));
    const { client, reached, children } = clients.make(missing);
    client.start();
    await reached('failed');
    assert.equal(children.length, 5);
  });

  it('does not start again what was refused, and tells why', async () => {
    writeFileSync(join(clients.directory.path, 'file'), '');
    const { client, reached, children, states } = clients.make(
      undefined,
      join(clients.directory.path, 'file', 'chat.db'),
    );
    client.start();
    await reached('failed');
    const [child, ...others] = children;
    assert.ok(child);
    if (child.exitCode === null) await once(child, 'exit');
    mock.timers.tick(60_000);
    assert.deepEqual([others, states, client.state, child.exitCode], [[], ['failed'], 'failed', 0]);
    assert.match(client.problem ?? '', /cannot be (made|opened|written)/);
    await assert.rejects(client.request('sync/status', {}), {
      reason: 'instance-stopped',
      message: client.problem ?? '',
    });
  });

  it('can be started again after it has given up', async () => {
    // It fails for good, and once more after the new start.
    let crashes = 6;
    const { client, reached } = clients.make(hurried(() => node(crashes-- > 0 ? 'process.exit(1)' : answering)));
    client.start();
    await reached('failed');
    client.start();
    assert.deepEqual([client.state, client.problem], ['starting', null]);
    await reached('ready');
    assert.equal(client.session?.instanceId, 'x');
  });

  it('gives an instance time that says what it is busy with, and says so itself until the next status', async () => {
    const { client, children } = clients.make(() => node(busy));
    const noticed = once(client.events, 'notice');
    client.start();
    await noticed;
    assert.deepEqual([client.state, client.readOnly], ['starting', 'rebuilding']);
    mock.timers.tick(31_000);
    assert.equal(children[0]?.killed, false);
    const told = once(client.events, 'status');
    children[0]?.stdin.write('go on');
    await told;
    assert.equal(client.readOnly, null);
  });

  it('kills a process that does not end when it is disposed of', async () => {
    const stubborn = `setInterval(() => {}, 1000); ${answering}`;
    const { client, reached, children } = clients.make(() => node(stubborn));
    client.start();
    await reached('ready');
    const disposal = client.dispose();
    mock.timers.tick(2000);
    await disposal;
    assert.equal(children[0]?.signalCode, 'SIGKILL');
  });

  it('starts nothing more when it is disposed of between two attempts', async () => {
    const { client, reached, children } = clients.make(() => node('process.exit(3)'));
    client.start();
    await reached('restarting');
    await client.dispose();
    mock.timers.tick(60_000);
    assert.equal(children.length, 1);
  });
});

/** A program that rebuilds its database when it is asked for the first time, and until it is told something else. */
const busy = `const tell = (method, params) => {
  const body = JSON.stringify({ jsonrpc: '2.0', method, params });
  process.stdout.write('Content-Length: ' + body.length + '\\r\\n\\r\\n' + body);
};
process.stdin.once('data', () => {
  tell('notice', { text: 'rebuilding', isUnderway: true });
  process.stdin.once('data', () => tell('status', { readOnly: null }));
})`;

/** A program that answers the first request and nothing else. */
const answering = `process.stdin.once('data', () => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 0, result: { instanceId: 'x' } });
  process.stdout.write('Content-Length: ' + body.length + '\\r\\n\\r\\n' + body);
})`;

describe('restart policy', () => {
  const minute = 60_000;
  const cases: [what: string, crashes: number[], delay: number | undefined][] = [
    ['at once after the first crash', [0], 0],
    ['soon after the second', [0, 10], 250],
    ['later after the third', [0, 10, 20], 500],
    ['still later after the fourth', [0, 10, 20, 30], 1000],
    ['never after the fifth', [0, 10, 20, 30, 40], undefined],
    ['never after five that only just lie within three minutes', [0, 10, 20, 30, 3 * minute], undefined],
    ['as after the fourth when the first is long ago', [0, 10, 20, 30, 3 * minute + 1], 1000],
    ['at once when all others are long ago', [0, 10, 20, 30, 10 * minute], 0],
    ['at once when no crash is known', [], 0],
  ];
  for (const [what, crashes, delay] of cases) {
    it(`restarts ${what}`, () => assert.equal(restartDelay(crashes), delay));
  }
});
