import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { useInstances } from '../../support/instances.ts';
import type { RpcClient } from '../../support/rpcClient.ts';

describe('instance whose database is replaced', () => {
  const instances = useInstances();

  beforeEach(function () {
    // An open file can be neither replaced nor removed there.
    if (process.platform === 'win32') this.skip();
  });

  const titles = async (rpc: RpcClient) => {
    const { conversations } = await rpc.request<{ conversations: { title: string }[] }>('conversation/list');
    return conversations.map(({ title }) => title).sort();
  };

  /** A complete database file, closed, with one conversation in it. */
  async function successor(): Promise<string> {
    const databasePath = join(instances.directory.path, 'successor', 'chat.db');
    const rpc = instances.spawn();
    await rpc.request('initialize', { databasePath });
    await rpc.request('conversation/create', { title: 'From the successor' });
    await rpc.request('shutdown');
    await rpc.exited;
    return databasePath;
  }

  const moveAside = () => {
    for (const suffix of ['-wal', '-shm', '']) renameSync(instances.path + suffix, `${instances.path}.old${suffix}`);
  };

  const replacements: [what: string, replace: () => Promise<void>, expected: string[]][] = [
    ['moved away with its log', async () => moveAside(), ['Old', 'Old too']],
    ['removed without its log', async () => unlinkSync(instances.path), ['Old', 'Old too']],
    ['still there, but its log was removed', async () => unlinkSync(`${instances.path}-wal`), ['Old', 'Old too']],
    [
      'overwritten by another that leaves the old log',
      async () => renameSync(await successor(), instances.path),
      ['From the successor'],
    ],
    [
      'overwritten, in place, with another by SQLite itself',
      async () => {
        const sqlite = new Sqlite(await successor());
        await sqlite.backup(instances.path);
        sqlite.close();
      },
      ['From the successor'],
    ],
    [
      'moved away for another',
      async () => {
        moveAside();
        renameSync(await successor(), instances.path);
      },
      ['From the successor'],
    ],
  ];

  for (const [what, replace, expected] of replacements) {
    it(`goes on in the new file when the old one is ${what}, and so does every other`, async () => {
      const [one, two] = await Promise.all([instances.start('One'), instances.start('Two')]);
      await one.rpc.request('conversation/create', { title: 'Old' });
      await two.rpc.request('conversation/create', { title: 'Old too' });
      await replace();
      const created = await one.rpc.request<{ id: string }>('conversation/create', { title: 'New' });
      assert.ok(one.rpc.notifications.some(({ method }) => method === 'reload'));
      await Promise.all([one, two].map(({ rpc }) => rpc.notified('reload')));
      await two.rpc.request('message/add', { conversationId: created.id, role: 'user', content: 'text' });
      for (const { rpc, session } of [one, two]) {
        assert.deepEqual(await titles(rpc), [...expected, 'New'].sort());
        const { dbEpoch } = await rpc.request<{ dbEpoch: string }>('sync/status');
        assert.notEqual(dbEpoch, session.dbEpoch);
      }
      await one.rpc.notified('status', ({ peers }: { peers: unknown[] }) => peers.length === 1);
      assert.equal(readdirSync(join(instances.directory.path, 'run', 'devchat')).length, 2, 'sockets');
      for (const { rpc } of [one, two]) {
        await rpc.request('shutdown');
        await rpc.exited;
      }
      const sqlite = new Sqlite(instances.path);
      assert.deepEqual(sqlite.pragma('integrity_check', { simple: true }), 'ok');
      assert.deepEqual(sqlite.prepare('SELECT title FROM conversations ORDER BY title').pluck().all(), [
        ...[...expected, 'New'].sort(),
      ]);
      sqlite.close();
    });
  }

  it('stores a message once that was stored in the moment in which the file was removed', async () => {
    const { rpc } = await instances.start();
    const { id } = await rpc.request<{ id: string }>('conversation/create', { title: 'Old' });
    const other = new Sqlite(instances.path);
    other.exec('BEGIN IMMEDIATE');
    const added = rpc.request('message/add', { conversationId: id, role: 'user', content: 'once' });
    // Answered after the message has begun to wait for its turn, with the file in its place.
    await rpc.request('sync/status');
    unlinkSync(instances.path);
    other.exec('ROLLBACK');
    await added;
    other.close();
    const { messages } = await rpc.request<{ messages: unknown[] }>('message/range', {
      conversationId: id,
      fromSeq: 1,
      toSeq: 9,
    });
    assert.equal(messages.length, 1);
  });

  it('goes on, and needs not say so, when only the index of the log was removed', async () => {
    const [one, two] = await Promise.all([instances.start('One'), instances.start('Two')]);
    await one.rpc.request('conversation/create', { title: 'Old' });
    unlinkSync(`${instances.path}-shm`);
    await Promise.all(
      [one, two].map(({ rpc }, index) => rpc.request('conversation/create', { title: `New ${index}` })),
    );
    for (const { rpc, session } of [one, two]) {
      await rpc.notified('reload');
      assert.deepEqual(await titles(rpc), ['New 0', 'New 1', 'Old']);
      assert.equal((await rpc.request<{ dbEpoch: string }>('sync/status')).dbEpoch, session.dbEpoch);
      assert.deepEqual(await rpc.request('verify'), { problems: [], repaired: [] });
      assert.ok(!rpc.notifications.some(({ method }) => method === 'notice'));
    }
  });

  it('notices it without being asked anything', async () => {
    const { rpc } = await instances.start();
    await rpc.request('conversation/create', { title: 'Old' });
    moveAside();
    await rpc.notified('reload');
    const { text } = await rpc.notified<{ text: string }>('notice');
    assert.match(text, /^The chat database was removed while it was open\. It was put back/);
    assert.deepEqual(await titles(rpc), ['Old']);
  });

  it('keeps the log of the old file, whose last commits may be there alone', async () => {
    const { rpc } = await instances.start();
    await rpc.request('conversation/create', { title: 'Old' });
    unlinkSync(instances.path);
    await rpc.notified('reload');
    assert.ok(readdirSync(dirname(instances.path)).some((name) => /\.replaced-\d+-wal$/.test(name)));
  });

  it('says what is wrong while nothing can be opened, and goes on when something can', async () => {
    const { rpc } = await instances.start();
    const directory = dirname(instances.path);
    renameSync(directory, `${directory}-old`);
    writeFileSync(directory, 'in the way');
    for (let attempt = 0; attempt < 2; attempt++) {
      await assert.rejects(rpc.request('conversation/create'), { data: { reason: 'read-only' } });
    }
    rmSync(directory);
    mkdirSync(directory);
    await rpc.request('conversation/create', { title: 'New' });
    await rpc.notified('reload');
    assert.deepEqual(await titles(rpc), ['New']);
  });

  it('ends with success though nothing can be opened', async () => {
    const { rpc } = await instances.start();
    rmSync(dirname(instances.path), { recursive: true });
    writeFileSync(dirname(instances.path), 'in the way');
    await assert.rejects(rpc.request('conversation/create'));
    assert.equal(await rpc.request('shutdown'), null);
    assert.deepEqual(await rpc.exited, { code: 0, signal: null });
  });
});
