import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImportResult, IngestHealth, IngestReport } from '../../../src/protocol/ingest.ts';
import type { Conversation } from '../../../src/protocol/model.ts';
import type { Notifications, SyncStatus } from '../../../src/protocol/rpc.ts';
import { useInstances } from '../../support/instances.ts';
import type { RpcClient } from '../../support/rpcClient.ts';
import { writeCorpora } from '../ingest/corpus.ts';
import { assertSameContents, fixtures, workspace } from '../ingest/support.ts';

describe('ingestion among instances', () => {
  const instances = useInstances();

  /** A folder, and where an agent keeps the transcripts of its sessions there. */
  function setUp() {
    const folder = join(instances.directory.path, 'engine');
    const root = join(instances.directory.path, 'projects');
    const projects = join(root, folder.replace(/[^A-Za-z0-9]/g, '-'));
    for (const directory of [folder, projects]) mkdirSync(directory, { recursive: true });
    const session = join(projects, '5e550000-0000-4000-8000-000000000001.jsonl');
    const text = readFileSync(join(fixtures, 'claude/session.jsonl'), 'utf8').replaceAll(workspace, folder);
    const lines = text.split(/(?<=\n)/);
    const wish = {
      workspaceFolder: folder,
      ingest: { sources: [], directories: [{ source: 'claude-code', path: root }] },
    };
    return { folder, root, projects, session, lines, wish };
  }

  const changed = (rpc: RpcClient, fits: (news: Notifications['change']) => boolean) => rpc.notified('change', fits);
  const list = async (rpc: RpcClient) =>
    (await rpc.request<{ conversations: Conversation[] }>('conversation/list')).conversations;
  const led = (rpc: RpcClient) => rpc.notified<SyncStatus>('status', ({ leader }) => leader !== null);
  const status = (rpc: RpcClient) => rpc.request<IngestHealth | null>('ingest/status');

  /** A folder with transcripts of many records from elsewhere. */
  function corpus() {
    const outside = join(instances.directory.path, 'outside');
    mkdirSync(outside);
    const records = writeCorpora(outside, 2000, (text, index) => text.replaceAll('msg_', `msg_${index}_`));
    return { outside, records };
  }

  /** The leader, and an instance that follows it. */
  async function pair(first: object, second: object) {
    const leader = await instances.start('leader', first);
    await led(leader.rpc);
    const follower = await instances.start('follower', second);
    await follower.rpc.notified<SyncStatus>('status', ({ peers }) => peers.length === 1);
    return { leader, follower };
  }

  it('brings what an agent writes to every window: what was there as read, what comes as unread', async () => {
    const { session, lines, wish } = setUp();
    writeFileSync(session, lines.slice(0, 4).join(''));
    const { leader, follower } = await pair(wish, wish);
    await leader.rpc.notified<Notifications['ingest']>('ingest', ({ health }) => health?.state === 'active');
    const [before] = await list(follower.rpc);
    assert.deepEqual([before?.source, before?.lastSeq, before?.unread], ['claude-code', 2, 0]);
    for (const line of lines.slice(4)) appendFileSync(session, line);
    for (const { rpc } of [leader, follower]) {
      await changed(rpc, ({ conversations }) => conversations.some(({ lastSeq }) => lastSeq === 11));
    }
    const [after] = await list(follower.rpc);
    assert.equal(after?.unread, 9);
    assert.deepEqual(after?.origin, {
      cwd: wish.workspaceFolder,
      branch: 'main',
      model: 'claude-opus-4-5',
      beginsIn: null,
    });
    for (const { rpc } of [leader, follower]) {
      let health = await status(rpc);
      // The row is there a moment before its file has been read to the end.
      while (health?.state === 'bulk') health = await status(rpc);
      assert.deepEqual([health?.state, health?.filesKnown], ['active', 1]);
    }
    await follower.rpc.notified<Notifications['ingest']>('ingest', ({ health }) => health?.filesKnown === 1);
  });

  it('tells the client that wants it so of all that is read at once in one entry, and the others of each message', async () => {
    const { session, lines, wish } = setUp();
    const { leader, follower } = await pair({ ...wish, joinsAddedRuns: true }, wish);
    writeFileSync(session, lines.join(''));
    const told = async ({ rpc }: { rpc: RpcClient }) => {
      const { changes } = await changed(rpc, ({ conversations }) =>
        conversations.some(({ lastSeq }) => lastSeq === 11),
      );
      const added = changes.filter(({ changeType }) => changeType === 'MessageAdded');
      return added.map(({ firstSeq, seq }) => [firstSeq, seq]);
    };
    const each = Array.from({ length: 11 }, (_, index) => [undefined, index + 1]);
    assert.deepEqual([await told(leader), await told(follower)], [[[1, 11]], each]);
  });

  it('reads nothing where no client asked for it', async () => {
    const { folder, session, lines } = setUp();
    writeFileSync(session, lines.join(''));
    const { leader, follower } = await pair({ workspaceFolder: folder }, { workspaceFolder: folder });
    for (const { rpc } of [leader, follower]) assert.equal(await status(rpc), null);
    assert.deepEqual(await list(follower.rpc), []);
  });

  it('reads as the leader what the client of another instance wants, for as long as that is there', async () => {
    const { session, lines, wish } = setUp();
    writeFileSync(session, lines.join(''));
    const { leader, follower } = await pair({}, wish);
    await changed(leader.rpc, ({ conversations }) => conversations.some(({ lastSeq }) => lastSeq === 11));
    await leader.rpc.notified<Notifications['ingest']>('ingest', ({ health }) => health !== null);
    const ended = () => leader.rpc.notifications.findLast(({ method }) => method === 'ingest')?.params;
    follower.rpc.child.kill('SIGKILL');
    while ((ended() as Notifications['ingest']).health !== null) await leader.rpc.arrival();
    assert.equal(await status(leader.rpc), null);
  });

  it('follows changed settings without a restart', async () => {
    const { session, lines, wish } = setUp();
    writeFileSync(session, lines.join(''));
    const { rpc } = await instances.start('window', { workspaceFolder: wish.workspaceFolder });
    await led(rpc);
    await rpc.request('ingest/configure', { settings: wish.ingest });
    await changed(rpc, ({ conversations }) => conversations.some(({ lastSeq }) => lastSeq === 11));
    await rpc.request('ingest/configure', { settings: null });
    await rpc.notified<Notifications['ingest']>('ingest', ({ health }) => health === null);
    assert.equal(await status(rpc), null);
    appendFileSync(session, (lines[1] ?? '').replace('a0000001', 'a0000099'));
    // By the time that this is done, the line would have come long since.
    await rpc.request('ingest/import', { paths: [join(fixtures, 'claude', 'pitfalls.jsonl')] });
    assert.ok((await list(rpc)).every(({ lastSeq }) => lastSeq <= 11));
  });

  it('finishes an import though the settings change meanwhile', async () => {
    const { wish } = setUp();
    const { outside, records } = corpus();
    const { rpc } = await instances.start('window', wish);
    await led(rpc);
    const imported = rpc.request<ImportResult>('ingest/import', { paths: [outside] });
    await changed(rpc, () => true);
    await rpc.request('ingest/configure', { settings: { ...wish.ingest, redact: false } });
    const { files, found } = await imported;
    assert.deepEqual([files, found], [3, records]);
  }).timeout(60_000);

  it('has the leader import what a follower is asked to, from anywhere, and tells what became of it', async () => {
    const { session, root, lines, wish } = setUp();
    const elsewhere = join(instances.directory.path, 'elsewhere.jsonl');
    const pitfalls = readFileSync(join(fixtures, 'claude/pitfalls.jsonl'));
    writeFileSync(elsewhere, pitfalls);
    writeFileSync(session, lines.join(''));
    const { follower } = await pair({}, { workspaceFolder: wish.workspaceFolder });
    const { files, found, stored, duplicates, quarantined } = await follower.rpc.request<ImportResult>(
      'ingest/import',
      { paths: [elsewhere, root] },
    );
    assert.equal(files, 2);
    assert.equal(found, stored + duplicates + quarantined);
    rmSync(elsewhere);
    const report = await follower.rpc.request<IngestReport>('ingest/report');
    assert.deepEqual(
      report.files.map(({ path, isDeleted }) => [path, isDeleted]),
      [
        [elsewhere, true],
        [session, false],
      ],
    );
    for (const one of [report.total, ...report.files]) {
      assert.equal(one.found, one.stored + one.duplicates + one.quarantined);
    }
    for (const { position, size, path } of report.quarantine.filter(({ reason }) => reason === 'not-json')) {
      assert.equal(path, elsewhere);
      assert.ok(position + size <= pitfalls.length);
    }
    assert.deepEqual(await follower.rpc.request('ingest/log'), { log: report.log });
    assert.ok(report.quarantine.length > 0 && report.log.every(({ file }) => !file.includes('/')));
    await assert.rejects(follower.rpc.request('ingest/import', { paths: [join(root, 'nothing')] }), {
      data: { reason: 'not-found' },
    });
    await follower.rpc.request('ingest/cancel');
    assert.equal((await follower.rpc.request<ImportResult>('ingest/rescan')).files, 0);
  });

  it('goes on when the leader freezes, and one that wakes again adds nothing', async () => {
    const { session, lines, wish } = setUp();
    writeFileSync(session, lines.slice(0, 4).join(''));
    const { leader, follower } = await pair(wish, wish);
    await leader.rpc.notified<Notifications['ingest']>('ingest', ({ health }) => health?.state === 'active');
    leader.rpc.child.kill('SIGSTOP');
    appendFileSync(session, lines.slice(4).join(''));
    await changed(follower.rpc, ({ conversations }) => conversations.some(({ lastSeq }) => lastSeq === 11));
    leader.rpc.child.kill('SIGCONT');
    await leader.rpc.notified<SyncStatus>('status', ({ leader: now }) => now?.epoch === 2);
    const { total } = await leader.rpc.request<IngestReport>('ingest/report');
    assert.deepEqual([total.found, total.duplicates, (await list(leader.rpc))[0]?.lastSeq], [total.stored, 0, 11]);
    assert.deepEqual((await status(leader.rpc))?.filesKnown, 1);
  }).timeout(30_000);

  it('goes on with an import whose leader is killed, as if it had been made in one go', async function () {
    this.timeout(120_000);
    const { folder } = setUp();
    const { outside } = corpus();
    const { leader, follower } = await pair({ workspaceFolder: folder }, { workspaceFolder: folder });
    let isOver = false;
    const imported = follower.rpc.request<ImportResult>('ingest/import', { paths: [outside] }).finally(() => {
      isOver = true;
    });
    await changed(follower.rpc, () => true);
    leader.rpc.child.kill('SIGKILL');
    await leader.rpc.exited;
    assert.equal(isOver, false);
    const { files } = await imported;
    const { leader: last } = await follower.rpc.request<SyncStatus>('sync/status');
    assert.deepEqual([last?.epoch, files], [2, 3]);
    const clean = join(instances.directory.path, 'clean', 'chat.db');
    const whole = instances.spawn();
    await whole.request('initialize', { databasePath: clean, client: 'clean' });
    await whole.request('ingest/import', { paths: [outside] });
    await assertSameContents(instances.path, clean);
  });
});
