import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { appendChanges, pruneChanges } from '../../../src/store/changeLog.ts';
import { Database } from '../../../src/store/database.ts';
import { addTestMessage, createTestConversation, origin } from '../../support/database.ts';
import { type Stored, useInstances } from '../../support/instances.ts';

interface ChangeNotification {
  changes: { id: number; changeType: string; conversationId: string; messageId: string | null }[];
  conversations: { id: string; lastSeq: number }[];
}

describe('instance over standard input and output', () => {
  const instances = useInstances();

  it('stores messages, and a second process hears of them', async () => {
    const [one, two] = await Promise.all([instances.start('One'), instances.start('Two')]);
    assert.equal(one.session.dbEpoch, two.session.dbEpoch);
    assert.deepEqual([one.session.databasePath, one.session.lastChangeId], [instances.path, 0]);
    const conversation = await one.rpc.request<{ id: string }>('conversation/create', { title: 'Talk' });
    const message = await one.rpc.request<Stored>('message/add', {
      conversationId: conversation.id,
      role: 'user',
      content: 'Grüße 😀',
    });
    assert.deepEqual([message.seq, message.content], [1, 'Grüße 😀']);
    for (const { rpc } of [one, two]) {
      const isAdded = ({ changes }: ChangeNotification) => changes.some(({ messageId }) => messageId === message.id);
      const { changes, conversations } = await rpc.notified<ChangeNotification>('change', isAdded);
      assert.deepEqual(changes.at(-1), {
        id: 2,
        changeType: 'MessageAdded',
        conversationId: conversation.id,
        messageId: message.id,
        seq: 1,
        newTitle: null,
        originInstanceId: one.session.instanceId,
      });
      assert.equal(conversations[0]?.lastSeq, 1);
    }
    const range = { conversationId: conversation.id, fromSeq: 1, toSeq: 10 };
    assert.deepEqual(await two.rpc.request('message/range', range), { messages: [message], lastSeq: 1 });
  });

  it('tells each change once and in order, however many write at once', async () => {
    const [one, two] = await Promise.all([instances.start('One'), instances.start('Two')]);
    const { id: conversationId } = await one.rpc.request<{ id: string }>('conversation/create');
    const count = 200;
    const adds = [one, two].flatMap(({ rpc }, writer) =>
      Array.from({ length: count }, (_, index) =>
        rpc.request<Stored>('message/add', { conversationId, role: 'user', content: `${writer} ${index}` }),
      ),
    );
    const stored = await Promise.all(adds);
    const numbers = Array.from({ length: 2 * count }, (_, index) => index + 1);
    assert.deepEqual(
      stored.map(({ seq }) => seq).sort((a, b) => a - b),
      numbers,
    );
    for (const writer of [stored.slice(0, count), stored.slice(count)]) {
      const seqs = writer.map(({ seq }) => seq);
      assert.deepEqual(
        seqs,
        [...seqs].sort((a, b) => a - b),
        'the order of each writer is kept',
      );
    }
    for (const { rpc } of [one, two]) {
      const last = 2 * count + 1;
      await rpc.notified<ChangeNotification>('change', ({ changes }) => changes.at(-1)?.id === last);
      const told = rpc.notifications
        .filter(({ method }) => method === 'change')
        .flatMap(({ params }) => (params as ChangeNotification).changes.map(({ id }) => id));
      assert.deepEqual(told, [...numbers, last]);
    }
  });

  it('carries a conversation of two windows, in which each waits for the other', async () => {
    const both = await Promise.all([instances.start('One'), instances.start('Two')]);
    await both[0].rpc.notified('status', ({ peers }: { peers: unknown[] }) => peers.length === 1);
    const { id: conversationId } = await both[0].rpc.request<{ id: string }>('conversation/create');
    for (let turn = 0; turn < 30; turn++) {
      const [speaker] = turn % 2 === 0 ? both : [both[1]];
      const said = { conversationId, role: 'user', content: `${turn}` };
      const { id } = await speaker.rpc.request<Stored>('message/add', said);
      for (const { rpc } of both) {
        await rpc.notified('change', ({ changes }: ChangeNotification) =>
          changes.some(({ messageId }) => messageId === id),
        );
      }
    }
  });

  it('tells a transaction as a whole, so that one who is killed between two pages has all of it or nothing', async () => {
    const { rpc } = await instances.start();
    const db = await Database.open(instances.path, () => []);
    instances.directory.defer(() => db.close());
    const { id } = await createTestConversation(db);
    await rpc.notified<ChangeNotification>('change');
    const entry = { changeType: 'MessageUpdated' as const, conversationId: id, revision: 1 };
    if (process.platform !== 'win32') rpc.child.kill('SIGSTOP');
    for (const length of [300, 1000, 300]) {
      await db.write(() => appendChanges(db, Array(length).fill(entry), origin));
    }
    rpc.child.kill('SIGCONT');
    await rpc.notified<ChangeNotification>('change', ({ changes }) => (changes.at(-1)?.id ?? 0) > 301);
    rpc.child.kill('SIGKILL');
    await rpc.exited;
    const pages = rpc.notifications.flatMap(({ method, params }) => (method === 'change' ? [params] : []));
    const ends = pages.map((page) => (page as ChangeNotification).changes.at(-1)?.id);
    assert.deepEqual(
      ends.filter((end) => ![1, 301, 1301, 1601].includes(Number(end))),
      [],
    );
  });

  it('has everything loaded again when the log was pruned past it while it was frozen', async function () {
    // There is nothing like SIGSTOP there.
    if (process.platform === 'win32') this.skip();
    const { rpc } = await instances.start();
    const db = await Database.open(instances.path, () => []);
    instances.directory.defer(() => db.close());
    const { id } = await createTestConversation(db);
    await rpc.notified<ChangeNotification>('change');
    rpc.child.kill('SIGSTOP');
    for (const content of ['two', 'three', 'four']) await addTestMessage(db, id, content);
    assert.equal(await db.write(() => pruneChanges(db, Date.now() + 1, 3)), 3);
    rpc.child.kill('SIGCONT');
    assert.deepEqual(await rpc.notified('reload'), { reason: 'log-pruned', lastChangeId: 4 });
  });

  it('tells the present rows though it does not know what happened to them', async () => {
    const { rpc } = await instances.start();
    const { id } = await rpc.request<{ id: string }>('conversation/create', {});
    const message = await rpc.request<Stored>('message/add', { conversationId: id, role: 'user', content: 'before' });
    const newer = new Sqlite(instances.path);
    newer.exec(`BEGIN IMMEDIATE;
      UPDATE messages SET content = 'after', revision = revision + 1;
      UPDATE conversations SET title = 'Pinned', revision = revision + 1;
      INSERT INTO change_log(txn, change_type, conversation_id, message_id, seq, revision, origin_instance_id, created_at)
        VALUES (3, 'MessagePinned', '${id}', '${message.id}', 1, 2, 'somebody newer', 0);
      COMMIT`);
    newer.close();
    const { conversations, messages } = await rpc.notified<{
      changes: { changeType: string }[];
      conversations: { title: string }[];
      messages: Stored[];
    }>('change', ({ changes }) => changes.some(({ changeType }) => changeType === 'MessagePinned'));
    assert.deepEqual([conversations[0]?.title, messages[0]?.content], ['Pinned', 'after']);
  });

  it('tells what else is connected', async () => {
    const one = await instances.start('One');
    const two = await instances.start('Two');
    const status = await one.rpc.notified<{ peers: { instanceId: string; editor: string; pid: number }[] }>(
      'status',
      ({ peers }) => peers.length === 1,
    );
    const [peer] = status.peers;
    assert.deepEqual([peer?.instanceId, peer?.editor, peer?.pid], [two.session.instanceId, 'Two', two.rpc.child.pid]);
  });

  const badRequests: [what: string, method: string, params: unknown, field: RegExp][] = [
    ['a missing field', 'message/add', { conversationId: randomUUID(), role: 'user' }, /content/],
    ['a role that does not exist', 'message/add', { conversationId: randomUUID(), role: 'king', content: '' }, /role/],
    [
      'a text that nobody would end',
      'message/add',
      { conversationId: randomUUID(), role: 'user', content: '', status: 'streaming' },
      /status/,
    ],
    ['a status that only streams have', 'message/update', { messageId: randomUUID(), status: 'streaming' }, /status/],
    ['half a revision', 'message/update', { messageId: randomUUID(), revision: 1.5 }, /revision/],
    ['an id that is no UUID', 'conversation/delete', { conversationId: '1' }, /conversationId.*UUID/],
    ['a negative number', 'message/range', { conversationId: randomUUID(), fromSeq: -1, toSeq: 1 }, /fromSeq/],
    ['a title without end', 'conversation/create', { title: 'x'.repeat(501) }, /title/],
    ['too large a limit', 'search', { query: 'x', limit: 1001 }, /limit/],
  ];
  for (const [what, method, params, field] of badRequests) {
    it(`refuses ${what}`, async () => {
      const { rpc } = await instances.start();
      const refused = { code: -32602, data: { reason: 'bad-request' }, message: field };
      await assert.rejects(rpc.request(method, params), refused);
    });
  }

  it('gives every other failure a reason too', async () => {
    const { rpc } = await instances.start();
    const conversationId = randomUUID();
    const missing = { code: -32000, data: { reason: 'not-found' } };
    await assert.rejects(rpc.request('conversation/rename', { conversationId, title: 'x' }), missing);
    await assert.rejects(rpc.request('message/range', { conversationId, fromSeq: 1, toSeq: 1 }), missing);
    await assert.rejects(rpc.request('no/such/method'), { code: -32601 });
    await assert.rejects(rpc.request('initialize', { databasePath: instances.path }), {
      data: { reason: 'bad-request' },
    });
  });

  it('asks to be initialized first, and may be tried again after that failed', async () => {
    const rpc = instances.spawn();
    await assert.rejects(rpc.request('conversation/list'), { code: -32002, data: { reason: 'not-initialized' } });
    mkdirSync(dirname(instances.path));
    writeFileSync(join(dirname(instances.path), 'file'), '');
    const impossible = join(dirname(instances.path), 'file', 'chat.db');
    await assert.rejects(rpc.request('initialize', { databasePath: impossible }), {
      code: -32000,
      data: { reason: 'read-only' },
    });
    await assert.rejects(rpc.request('conversation/list'), { code: -32002 });
    await rpc.request('initialize', { databasePath: instances.path });
    assert.deepEqual(await rpc.request('conversation/list'), { conversations: [], lastChangeId: 0 });
  });

  it('carries out requests in their order though none waits for the one before, the first included', async () => {
    const rpc = instances.spawn();
    const conversationId = randomUUID();
    const requests = [
      rpc.request('initialize', { databasePath: instances.path }),
      rpc.request('conversation/create', { id: conversationId }),
      ...['a', 'b'].map((content) => rpc.request('message/add', { conversationId, role: 'user', content })),
    ];
    const [, , a, b] = (await Promise.all(requests)) as Stored[];
    assert.deepEqual([a?.seq, a?.content, b?.seq, b?.content], [1, 'a', 2, 'b']);
  });

  it('finds the history of a folder, the same for two that start at once', async () => {
    const workspaceFolder = join(instances.directory.path, 'project');
    mkdirSync(workspaceFolder);
    const open = () => instances.spawn().request<{ databasePath: string }>('initialize', { workspaceFolder });
    const [one, two, three] = await Promise.all([open(), open(), open()]);
    assert.ok(one?.databasePath.startsWith(join(instances.directory.path, 'home', 'workspaces')));
    assert.deepEqual([two?.databasePath, three?.databasePath], [one?.databasePath, one?.databasePath]);
  });
});
