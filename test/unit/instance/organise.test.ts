import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { v7 as uuid } from 'uuid';
import { Instance } from '../../../src/instance/instance.ts';
import type { Notifications } from '../../../src/protocol/rpc.ts';
import { hasReason } from '../../support/database.ts';
import { useInstances } from '../../support/instances.ts';
import { environmentIn, useEnvironment, useTempDirectory } from '../../support/tempDirectory.ts';

/** An instance with what it told last of each kind. */
class TestInstance {
  readonly instance: Instance;
  readonly told = new EventEmitter();
  readonly last: { [N in keyof Notifications]?: Notifications[N] } = {};
  /** How often it told of presence. */
  presences = 0;

  constructor() {
    this.instance = new Instance({
      log: () => undefined,
      notify: (name, params) => {
        this.last[name] = params;
        if (name === 'presence') this.presences++;
        this.told.emit('told');
      },
    });
  }

  get viewers() {
    return this.last.presence?.viewers;
  }

  show(conversationId: string | null): Promise<null> {
    return this.instance.handle('presence/set', { conversationId });
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(this.told, 'told');
  }

  async sees(...viewers: [conversationId: string, windows: number][]): Promise<void> {
    const expected = JSON.stringify(
      viewers
        .map(([conversationId, windows]) => ({ conversationId, windows }))
        .sort((a, b) => (a.conversationId < b.conversationId ? -1 : 1)),
    );
    await this.until(() => JSON.stringify(this.viewers ?? []) === expected);
  }
}

describe('instance', () => {
  const directory = useTempDirectory();
  useEnvironment(() => environmentIn(directory));

  const databasePath = () => join(directory.path, 'db', 'chat.db');

  async function start(place: object = { databasePath: databasePath() }): Promise<TestInstance> {
    const started = new TestInstance();
    directory.defer(() => started.instance.close());
    await started.instance.handle('initialize', place);
    return started;
  }

  it('tells which conversations other windows see, each change once, also who comes later', async () => {
    const [a, b] = [uuid(), uuid()];
    const one = await start();
    await one.show(a);
    const two = await start();
    await two.sees([a, 1]);
    const three = await start();
    await two.show(a);
    await three.sees([a, 2]);
    await three.show(b);
    await one.sees([a, 1], [b, 1]);
    await two.sees([a, 1], [b, 1]);
    await three.show(b);
    await three.show(null);
    await one.sees([a, 1]);
    await two.instance.close();
    await one.sees();
    await three.sees([a, 1]);
    assert.deepEqual([one.presences >= 4, one.viewers], [true, []]);
  });

  it('tells nothing of what its own client shows, and nothing twice', async () => {
    const [one, two] = [await start(), await start()];
    const id = uuid();
    await one.show(id);
    await one.show(id);
    await two.sees([id, 1]);
    await one.show(null);
    await two.sees();
    assert.deepEqual([one.presences, two.presences], [0, 2]);
  });

  it('hides a purged conversation from the other windows', async () => {
    const [one, two] = [await start(), await start()];
    const { id: conversationId } = await one.instance.handle('conversation/create', { title: 'Talk' });
    await one.instance.handle('message/add', { conversationId, role: 'user', content: 'text' });
    const { purgedAt } = await one.instance.handle('conversation/purge', { conversationId });
    assert.ok(purgedAt !== null);
    await two.until(() => two.last.change?.conversations.some((row) => row.purgedAt !== null) ?? false);
    assert.deepEqual((await two.instance.handle('conversation/list', { includeDeleted: true })).conversations, []);
    await assert.rejects(two.instance.handle('conversation/restore', { conversationId }), hasReason('deleted'));
  });

  it('deletes, restores and purges several conversations at once', async () => {
    const { instance } = await start();
    const ids: string[] = [];
    for (const title of ['a', 'b']) ids.push((await instance.handle('conversation/create', { title })).id);
    const batch = async (action: 'delete' | 'restore' | 'purge') => {
      const { conversations } = await instance.handle('conversation/batch', { action, conversationIds: ids });
      assert.deepEqual(
        conversations.map(({ id }) => id),
        ids,
      );
      return conversations.map(({ deletedAt, purgedAt }) => [deletedAt !== null, purgedAt !== null]);
    };
    assert.deepEqual(await batch('delete'), [
      [true, false],
      [true, false],
    ]);
    assert.deepEqual(await batch('restore'), [
      [false, false],
      [false, false],
    ]);
    assert.deepEqual(await batch('purge'), [
      [true, true],
      [true, true],
    ]);
    await assert.rejects(batch('restore'), hasReason('deleted'));
  });

  it('stores tags trimmed and once whatever their case, and says what a tag may be', async () => {
    const { instance } = await start();
    const { id: conversationId } = await instance.handle('conversation/create', {});
    const update = (tags: string[]) => instance.handle('conversation/update', { conversationId, tags });
    const { tags } = await update([' Zebra ', 'ähre', 'ÄHRE', 'zebra', 'b\u0301', '👩‍💻']);
    assert.deepEqual(tags, ['Zebra', 'ähre', 'b\u0301'.normalize(), '👩‍💻']);
    const twenty = Array.from({ length: 20 }, (_, index) => `${index}`);
    assert.deepEqual((await update([...twenty, '19'])).tags, twenty);
    assert.deepEqual((await update(['x'.repeat(40)])).tags, ['x'.repeat(40)]);
    for (const [refused, words] of [
      [[...twenty, 'more'], /at most 20 tags/],
      [['x'.repeat(41)], /at most 40 characters/],
      [[' '], /must not be empty/],
      [['a,b'], /neither commas nor control/],
      [['a\nb'], /neither commas nor control/],
    ] as const) {
      await assert.rejects(update([...refused]), { reason: 'bad-request', message: words });
    }
  });

  it('branches once under an id that is repeated', async () => {
    const { instance } = await start();
    const { id: conversationId } = await instance.handle('conversation/create', { title: 'Talk' });
    await instance.handle('message/add', { conversationId, role: 'user', content: 'text' });
    const params = { conversationId, id: uuid(), throughSeq: 1, title: 'Other' };
    const branch = await instance.handle('conversation/branch', params);
    assert.deepEqual([branch.id, branch.title, branch.parentId], [params.id, 'Other', conversationId]);
    assert.deepEqual(await instance.handle('conversation/branch', params), branch);
    assert.equal((await instance.handle('conversation/list', {})).conversations.length, 2);
  });

  it('lists the conversations of every workspace', async () => {
    const folders = ['one', 'two'].map((name) => join(directory.path, name));
    for (const folder of folders) {
      mkdirSync(folder);
      const { instance } = await start({ workspaceFolder: folder });
      await instance.handle('conversation/create', { title: folder });
    }
    const { instance } = await start();
    const { workspaces } = await instance.handle('workspaces/list', {});
    assert.deepEqual(workspaces.flatMap(({ folders: own }) => own).sort(), folders);
    for (const { id: workspace, folders: own } of workspaces) {
      const { conversations } = await instance.handle('workspaces/conversations', { workspace });
      assert.deepEqual(
        conversations.map(({ title }) => title),
        own,
      );
    }
    const unknown = instance.handle('workspaces/conversations', { workspace: '../../etc' });
    await assert.rejects(unknown, hasReason('bad-request'));
  });

  it('links a folder with another history, which those have who open it from then on', async () => {
    const [one = '', two = ''] = ['one', 'two'].map((name) => join(directory.path, name));
    for (const folder of [one, two]) mkdirSync(folder);
    const { instance: first } = await start({ workspaceFolder: one });
    await first.handle('conversation/create', { title: 'First' });
    const { instance: second } = await start({ workspaceFolder: two });
    const { workspaces } = await second.handle('workspaces/list', {});
    const idOf = (folder: string) => workspaces.find(({ folders }) => folders.includes(folder))?.id ?? assert.fail();
    const workspace = idOf(one);
    const linked = await second.handle('workspaces/relink', { workspaceFolder: two, workspace });
    assert.deepEqual(linked, { folder: two, workspace, former: idOf(two) });
    const titles = async ({ instance }: TestInstance) =>
      (await instance.handle('conversation/list', {})).conversations.map(({ title }) => title);
    assert.deepEqual(await titles(await start({ workspaceFolder: two })), ['First']);
    // Who has it open goes on with what was open.
    assert.deepEqual((await second.handle('conversation/list', {})).conversations, []);
    for (const [wrong, reason] of [
      [{ workspaceFolder: two, workspace: one }, 'bad-request'],
      [{ workspaceFolder: two, workspace: uuid() }, 'not-found'],
      [{ workspace }, 'bad-request'],
    ] as const) {
      await assert.rejects(second.handle('workspaces/relink', wrong), hasReason(reason));
    }
  });
});

describe('instances whose database was replaced', () => {
  const instances = useInstances();

  it('tell of one another again what they show', async () => {
    const [one, two] = [(await instances.start()).rpc, (await instances.start()).rpc];
    const conversationId = uuid();
    const seen = () => two.notifications.filter(({ method }) => method === 'presence').map(({ params }) => params);
    const sees = async (count: number, viewers: unknown[]) => {
      while (seen().length < count || !isDeepStrictEqual(seen().at(-1), { viewers })) await two.arrival();
    };
    await one.request('presence/set', { conversationId });
    await sees(1, [{ conversationId, windows: 1 }]);
    renameSync(instances.path, `${instances.path}.away`);
    for (const rpc of [one, two]) await rpc.request('conversation/create');
    await sees(3, [{ conversationId, windows: 1 }]);
    await one.request('presence/set', { conversationId: null });
    await sees(4, []);
  });
});
