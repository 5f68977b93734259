import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync, truncateSync, writeSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import type { Conversation } from '../../../src/protocol/model.ts';
import type { Notifications, SyncStatus, VerifyResult } from '../../../src/protocol/rpc.ts';
import { type Stored, useInstances } from '../../support/instances.ts';
import type { RpcClient } from '../../support/rpcClient.ts';

const PAGE = 4096;

describe('instance whose database', () => {
  const instances = useInstances();

  const range = (rpc: RpcClient, conversationId: string) =>
    rpc.request<{ messages: Stored[]; lastSeq: number }>('message/range', { conversationId, fromSeq: 1, toSeq: 500 });

  async function filled(rpc: RpcClient): Promise<string> {
    const { id } = await rpc.request<{ id: string }>('conversation/create', { title: 'Long' });
    for (let index = 0; index < 60; index++) {
      await rpc.request('message/add', { conversationId: id, role: 'user', content: `${index} ${'x'.repeat(500)}` });
    }
    return id;
  }

  /** Overwrites the pages of the file that hold a text, or the first page, in place, as a failing disk does. */
  function overwrite(text?: string): void {
    // A commit makes others forget what they have read; what is in the log would hide what is in the file.
    const sqlite = new Sqlite(instances.path);
    if (text !== undefined) sqlite.exec('UPDATE meta SET value = value');
    sqlite.pragma('wal_checkpoint(TRUNCATE)');
    sqlite.close();
    const content = readFileSync(instances.path);
    const file = openSync(instances.path, 'r+');
    for (
      let at = text === undefined ? 0 : content.indexOf(text);
      at >= 0;
      at = text ? content.indexOf(text, at + 1) : -1
    ) {
      writeSync(file, Buffer.alloc(PAGE, 0xff), 0, PAGE, Math.floor(at / PAGE) * PAGE);
    }
    closeSync(file);
  }

  it('is damaged while it is open saves what it can, says so, and answers, and so does every other', async () => {
    const [one, two] = await Promise.all([instances.start('One'), instances.start('Two')]);
    const id = await filled(one.rpc);
    overwrite('30 xxx');
    const { messages, lastSeq } = await range(one.rpc, id);
    assert.deepEqual([messages.length, lastSeq], [60, 60]);
    const { text } = await one.rpc.notified<Notifications['notice']>('notice', ({ isUnderway }) => !isUnderway);
    assert.match(
      text,
      /^The chat database was damaged and has been rebuilt: \d+ messages in 1 conversation were saved; \d+/,
    );
    await two.rpc.notified('reload');
    assert.deepEqual(await range(two.rpc, id), { messages, lastSeq });
    for (const { rpc } of [one, two]) {
      const added = { conversationId: id, role: 'user', content: 'goes on' };
      await rpc.request('message/add', added);
      assert.deepEqual(await rpc.request('verify'), { problems: [], repaired: [] });
    }
  });

  it('was damaged while it was closed is recovered when it is opened', async () => {
    const first = await instances.start();
    const id = await filled(first.rpc);
    await first.rpc.request('shutdown');
    await first.rpc.exited;
    overwrite();
    const { rpc } = await instances.start();
    const notices = rpc.notifications.flatMap(({ method, params }) =>
      method === 'notice' ? [params as Notifications['notice']] : [],
    );
    assert.deepEqual(
      notices.map(({ isUnderway }) => isUnderway),
      [true, undefined],
    );
    assert.match(String(notices[1]?.text), /60 messages in 1 conversation were saved/);
    assert.equal((await range(rpc, id)).messages.length, 60);
  });

  it('has lost a table names it when verified, and gets it back when it is repaired', async () => {
    const { rpc } = await instances.start();
    const id = await filled(rpc);
    const sqlite = new Sqlite(instances.path);
    sqlite.exec('DROP TABLE usage');
    sqlite.close();
    const problems = ['The table usage is missing.'];
    assert.deepEqual(await rpc.request('verify'), { problems, repaired: [] });
    const { repaired } = await rpc.request<{ repaired: string[] }>('verify', { repair: true });
    assert.match(String(repaired), /^The chat database was damaged and has been rebuilt: 60 messages/);
    assert.equal((await range(rpc, id)).messages.length, 60);
    assert.deepEqual(await rpc.request('verify'), { problems: [], repaired: [] });
  });

  for (const [what, sql] of [
    ['a conversation', 'DELETE FROM conversations'],
    ['a newest number', 'UPDATE conversations SET last_seq = 1'],
    ['an entry of the change log', 'DELETE FROM change_log WHERE id = 2'],
  ] as const) {
    it(`has lost ${what} has every client load everything again when that is mended`, async () => {
      const [one, two] = await Promise.all([instances.start('One'), instances.start('Two')]);
      const { id } = await one.rpc.request<{ id: string }>('conversation/create', { title: 'Lost' });
      await one.rpc.request('message/add', { conversationId: id, role: 'user', content: 'first' });
      const { seq } = await one.rpc.request<Stored>('message/add', {
        conversationId: id,
        role: 'user',
        content: 'kept',
      });
      for (const { rpc } of [one, two]) {
        await rpc.notified<Notifications['change']>('change', ({ changes }) => changes.some(({ id: at }) => at === 3));
      }
      const sqlite = new Sqlite(instances.path);
      sqlite.pragma('foreign_keys = OFF');
      sqlite.exec(sql);
      sqlite.close();
      const { problems } = await one.rpc.request<VerifyResult>('verify', { repair: true });
      assert.deepEqual(problems, []);
      for (const { rpc } of [one, two]) {
        assert.deepEqual(await rpc.notified('reload'), { reason: 'log-pruned', lastChangeId: 4 });
        const { conversations } = await rpc.request<{ conversations: Conversation[] }>('conversation/list');
        assert.deepEqual(
          conversations.map((conversation) => [conversation.id, conversation.lastSeq]),
          [[id, seq]],
        );
      }
      // Nothing is mended a second time.
      assert.deepEqual(await two.rpc.request('verify', { repair: true }), { problems: [], repaired: [] });
      const { lastChangeId } = await two.rpc.request<SyncStatus>('sync/status');
      assert.equal(lastChangeId, 4);
    });
  }

  it('is damaged names it when verified, and repairs it when told to', async () => {
    const { rpc } = await instances.start();
    await filled(rpc);
    overwrite('30 xxx');
    const { problems } = await rpc.request<{ problems: string[] }>('verify');
    assert.match(String(problems[0]), /^The database file is damaged: /);
    const { problems: left, repaired } = await rpc.request<{ problems: string[]; repaired: string[] }>('verify', {
      repair: true,
    });
    assert.deepEqual(left, []);
    assert.match(String(repaired[0]), /^The chat database was damaged and has been rebuilt/);
  });

  describe('finds no room', () => {
    beforeEach(function () {
      // Only there can the room of a running process be limited and given back.
      if (process.platform !== 'linux') this.skip();
    });

    const limitFileSize = (rpc: RpcClient, bytes: number | 'unlimited') => {
      const { status, stderr } = spawnSync('prlimit', ['--pid', String(rpc.child.pid), `--fsize=${bytes}:`]);
      assert.equal(status, 0, String(stderr));
    };

    const readOnly = (expected: boolean) => (status: { readOnly: string | null }) =>
      (status.readOnly !== null) === expected;

    it('refuses to save, says why, goes on showing, and saves again when there is room', async () => {
      const { rpc } = await instances.start();
      const id = await filled(rpc);
      limitFileSize(rpc, statSync(`${instances.path}-wal`).size);
      const add = (content: string) =>
        rpc.request<Stored>('message/add', { conversationId: id, role: 'user', content });
      await assert.rejects(add('no room'), { data: { reason: 'disk-full' } });
      const { readOnly: reason } = await rpc.notified<{ readOnly: string }>('status', readOnly(true));
      assert.match(reason, /^The (disk is full|chat database could not be written)/);
      assert.equal((await range(rpc, id)).messages.length, 60);
      const told = rpc.notifications.length;
      limitFileSize(rpc, 'unlimited');
      const later = () =>
        rpc.notifications
          .slice(told)
          .some(({ method, params }) => method === 'status' && readOnly(false)(params as { readOnly: null }));
      while (!later()) await rpc.arrival();
      assert.equal((await add('room again')).seq, 61);
    });
  });

  it('was emptied while it was open keeps what its log and its readers hold', async function () {
    if (process.platform === 'win32') this.skip();
    const { rpc } = await instances.start();
    const id = await filled(rpc);
    truncateSync(instances.path, 0);
    await rpc.request('message/add', { conversationId: id, role: 'user', content: 'goes on' }).catch(() => undefined);
    assert.deepEqual(await rpc.request('verify'), { problems: [], repaired: [] });
  });
});
