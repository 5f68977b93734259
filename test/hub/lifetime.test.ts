import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CLOSE_CODES } from '../../src/protocol/hub.ts';
import { newConversation } from './support/changes.ts';
import { HubClient } from './support/client.ts';
import { get, metric, useHubs } from './support/hubs.ts';

const program = join(import.meta.dirname, '../../src/cli/main.ts');

describe('a hub that stops', () => {
  const hubs = useHubs();

  it('answers what it was asked, tells its clients, and leaves no connection', async () => {
    const hub = await hubs.start();
    const { owner } = hubs.database;
    const [busy, idle] = [await hubs.connect(hub), await hubs.connect(hub)];
    const { workspace_id } = await busy.hello();
    await owner.query('BEGIN');
    await owner.query('UPDATE workspaces SET last_sequence = last_sequence WHERE id = $1', [workspace_id]);
    const pushed = busy.push([newConversation()]);
    // One after the other: when this is answered, the push of the other client waits.
    await idle.pull(0);
    const closed = hub.close();
    assert.equal((await idle.closed).code, CLOSE_CODES.going_away);
    await owner.query('COMMIT');
    assert.equal((await pushed)[0]?.outcome, 'applied');
    assert.equal((await busy.closed).code, CLOSE_CODES.going_away);
    await closed;
    await assert.rejects(get(hub, '/healthz'));
    // A connection that was closed here takes its process there a moment to notice.
    const connections = `SELECT FROM pg_stat_activity WHERE application_name = 'devchat-hub' AND datname = current_database()`;
    while ((await owner.query(connections)).rowCount !== 0);
  });

  it('does not wait for ever for clients that do not go', async () => {
    const hub = await hubs.start({ closeTimeout: 50 });
    const frozen = await hubs.connect(hub);
    frozen.socket.pause();
    await hub.close();
  });

  it('tells how it is doing', async () => {
    const hub = await hubs.start();
    const client = await hubs.connect(hub);
    await client.push([newConversation(), newConversation()]);
    await client.pull(0);
    assert.equal(await metric(hub, 'devchat_hub_sessions'), 1);
    assert.equal(await metric(hub, 'devchat_hub_events_total'), 2);
    for (const name of ['push', 'pull', 'lag']) assert.equal(await metric(hub, `devchat_hub_${name}_seconds_count`), 1);
    assert.equal(await metric(hub, 'devchat_hub_send_queue_bytes'), 0);
    const lines = hub.log.map((line) => JSON.parse(line));
    assert.ok(
      lines.some(({ msg, workspaceId, userId }) => msg === 'session opened' && workspaceId && userId === 'ann'),
    );
  });
});

describe('devchat hub', () => {
  let home: string;
  const children: ChildProcess[] = [];

  before(() => {
    home = mkdtempSync(join(tmpdir(), 'devchat-home-'));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  });
  after(() => rmSync(home, { recursive: true, force: true }));

  const environment = (url = '') => ({ ...process.env, DEVCHAT_HOME: home, DATABASE_URL: url });

  /** Starts a hub; resolves with what it says of itself. */
  async function start(): Promise<{ child: ChildProcess; url: string; token: string | null }> {
    const child = spawn(process.execPath, [program, '--json', 'hub', '--port', '0'], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(child);
    let said = '';
    for await (const chunk of child.stdout) {
      said += chunk;
      if (said.trimEnd().endsWith('}')) break;
    }
    return { child, ...JSON.parse(said) };
  }

  async function run(...args: string[]): Promise<unknown> {
    const { stdout } = await promisify(execFile)(process.execPath, [program, '--json', 'hub', ...args], {
      env: environment(),
    });
    return JSON.parse(stdout);
  }

  it('serves at once, on a PostgreSQL of its own, with a first token', async () => {
    const { child, url, token } = await start();
    const client = await HubClient.dial(url, token ?? assert.fail());
    await client.hello();
    await client.push([newConversation()]);
    child.kill('SIGTERM');
    assert.equal((await client.closed).code, CLOSE_CODES.going_away);
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });

  it('has everything again after it was killed', async () => {
    const first = await start();
    assert.equal(first.token, null);
    const { token } = (await run('token', 'create', 'team', 'bob')) as { token: string };
    const client = await HubClient.dial(first.url, token);
    await client.hello();
    await client.push([newConversation()]);
    first.child.kill('SIGKILL');
    await client.closed;
    const second = await start();
    const again = await HubClient.dial(second.url, token);
    await again.hello();
    assert.equal((await again.pullAll()).length, 1);
    const id = token.split('_')[1] ?? '';
    await run('token', 'revoke', id);
    assert.equal((await again.closed).code, CLOSE_CODES.token_revoked);
    const list = (await run('token', 'list')) as { id: string; user: string; revokedAt: number | null }[];
    assert.deepEqual(
      list.map(({ user, revokedAt }) => [user, revokedAt !== null]).sort(),
      [
        ['bob', true],
        [userInfo().username, false],
      ].sort(),
    );
  });

  it('says what is wrong in words', async () => {
    const wrong = async (args: string[], env: NodeJS.ProcessEnv) =>
      promisify(execFile)(process.execPath, [program, 'hub', ...args], { env }).then(
        () => assert.fail('it should have failed'),
        ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr }),
      );
    const bad = await wrong(['--port', '70000'], environment());
    assert.deepEqual([bad.code, /65535/u.test(bad.stderr)], [2, true]);
    const unreachable = await wrong([], environment('postgres://nobody@127.0.0.1:1/nothing'));
    assert.deepEqual([unreachable.code, /cannot be used/u.test(unreachable.stderr)], [1, true]);
  });
});
