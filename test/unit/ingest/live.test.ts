import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import zlib from 'node:zlib';
import * as v from 'valibot';
import { type Ingest, type IngestOptions, startIngest } from '../../../src/ingest/ingest.ts';
import { expireOld } from '../../../src/ingest/retention.ts';
import { IngestSettings } from '../../../src/protocol/ingest.ts';
import { readLeader, takeOverLeadership } from '../../../src/store/leader.ts';
import { purgeConversations, removePurged } from '../../../src/store/purge.ts';
import { verify } from '../../../src/store/verify.ts';
import { VirtualClock } from '../../support/clock.ts';
import { changeTypes, hasReason, origin, useDatabases } from '../../support/database.ts';
import { contentsOf, fixtures, lead } from './support.ts';

describe('ingestion', () => {
  const databases = useDatabases();

  /** A home directory with a workspace, and ingestion on both. */
  async function setUp(options: Partial<IngestOptions> = {}, settings: v.InferInput<typeof IngestSettings> = {}) {
    const home = join(databases.directory.path, 'home');
    const folder = join(home, 'engine');
    mkdirSync(folder, { recursive: true });
    const db = await databases.open();
    const leader = await lead(db);
    const commits = new EventEmitter();
    const log: string[] = [];
    const running: Ingest[] = [];
    const start = async (folders = [folder]) => {
      const ingest = await startIngest({
        db,
        leader,
        folders,
        settings: v.parse(IngestSettings, settings),
        log: (level, text) => log.push(`${level} ${text}`),
        onCommitted: () => commits.emit('commit'),
        onHealthChanged: () => commits.emit('commit'),
        home,
        env: {},
        ...options,
      });
      running.push(ingest);
      return ingest;
    };
    databases.directory.defer(() => Promise.all(running.map((ingest) => ingest.close())));
    const projects = join(home, '.claude/projects', folder.replace(/[^A-Za-z0-9]/g, '-'));
    const session = join(projects, '5e550000-0000-4000-8000-000000000001.jsonl');
    /** A fixture as the agent would write it for this workspace. */
    const content = (name: string) => readFileSync(join(fixtures, name), 'utf8').replaceAll('/home/ada/engine', folder);
    const write = (path: string, text: string | Buffer) => {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    };
    const messages = () => Number(db.sql('SELECT count(*) FROM messages').pluck().get());
    const until = async (condition: () => boolean) => {
      while (!condition()) await once(commits, 'commit');
    };
    return { home, folder, db, leader, log, start, projects, session, content, write, messages, until };
  }

  /** Has the database refuse writers that are older than this version. */
  const requireWriter = (version: number) =>
    databases.raw().exec(`UPDATE meta SET value = '${version}' WHERE key = 'min_writer'`);

  it('takes what is there at its start, and each line as it is written', async () => {
    const { start, session, content, write, messages, until } = await setUp();
    const lines = content('claude/session.jsonl').split(/(?<=\n)/);
    write(session, lines.slice(0, 4).join(''));
    const ingest = await start();
    await until(() => messages() === 2);
    await until(() => ingest.health().filesWatched === 1);
    for (const line of lines.slice(4)) appendFileSync(session, line);
    await until(() => messages() === 11);
    const { state, eventsPerMinute, lastEvents, lag, degraded } = ingest.health();
    assert.deepEqual([state === 'idle', eventsPerMinute > 0, degraded], [false, true, []]);
    assert.deepEqual([lastEvents.at(-1)?.event, Object.keys(lag)], ['change', ['claude-code']]);
  });

  it('hears at once of a session that goes on after a long time', async () => {
    const clock = new VirtualClock();
    clock.jump(Date.now());
    const { start, session, content, write, messages, until } = await setUp({ clock });
    const lines = content('claude/session.jsonl').split(/(?<=\n)/);
    write(session, lines.slice(0, 4).join(''));
    const ingest = await start();
    await until(() => messages() === 2);
    await until(() => ingest.health().filesWatched === 1);
    clock.jump(2 * 3_600_000);
    clock.advance(60_000);
    await ingest.settled();
    assert.equal(ingest.health().filesWatched, 0);
    appendFileSync(session, lines.slice(4).join(''));
    await until(() => messages() === 11);
  });

  it('hears of sessions in directories that are new, made anew, or linked to', async () => {
    const clock = new VirtualClock();
    clock.jump(Date.now());
    const { home, start, projects, content, write, messages, until } = await setUp({ clock });
    mkdirSync(dirname(projects), { recursive: true });
    const ingest = await start();
    await ingest.settled();
    const [, prompt = ''] = content('claude/session.jsonl').split(/(?<=\n)/);
    let sessions = 0;
    const begin = async (directory: string) => {
      const id = String(++sessions).padStart(8, '0');
      write(join(directory, `${id}.jsonl`), prompt.replaceAll('5e550000', id).replace('a0000001', id));
      await until(() => messages() === sessions);
      // What is told shortly after a look waits for this.
      clock.advance(20);
    };
    await begin(projects);
    await begin(projects);
    rmSync(projects, { recursive: true });
    await begin(projects);
    await begin(projects);
    const beside = join(home, 'beside');
    mkdirSync(beside);
    symlinkSync(beside, `${projects}-linked`);
    await begin(beside);
    await begin(beside);
  });

  it('loses nothing when no event ever comes', async () => {
    const clock = new VirtualClock();
    clock.jump(Date.now());
    const { start, session, content, write, messages, until } = await setUp({ clock, watch: false });
    const ingest = await start();
    await ingest.settled();
    const lines = content('claude/session.jsonl').split(/(?<=\n)/);
    write(session, lines.slice(0, 4).join(''));
    clock.advance(60_000);
    await until(() => messages() === 2);
    await ingest.settled();
    appendFileSync(session, lines.slice(4).join(''));
    clock.advance(2000);
    await until(() => messages() === 11);
    await ingest.settled();
  });

  it('reads at once what comes while the log is still being written back', async () => {
    const { start, home, content, write, messages, until } = await setUp({ watch: false });
    const [long, short] = [join(home, 'long.jsonl'), join(home, 'short.jsonl')];
    const [, prompt = ''] = content('claude/session.jsonl').split(/(?<=\n)/);
    const prompts = Array.from({ length: 3000 }, (_, index) =>
      prompt.replace('a0000001', String(index).padStart(8, '0')).replace('Compute', `${'Compute '.repeat(400)}`),
    );
    write(long, prompts.join(''));
    write(short, prompt.replaceAll('5e550000', '5e550001'));
    const ingest = await start();
    const imported = ingest.import([long]);
    await until(() => messages() === prompts.length);
    for (let turns = 0; turns < 10; turns++) await nextTurn();
    const { found } = await ingest.import([short]);
    assert.deepEqual([found, messages()], [1, prompts.length + 1]);
    await imported;
  });

  it('reads what changed last first', async () => {
    const { db, start, projects, content, write } = await setUp({ watch: false });
    for (const [index, age] of [30, 10, 20].entries()) {
      const path = join(projects, `${index}.jsonl`);
      write(
        path,
        content('claude/session.jsonl').replaceAll('5e550000', `5e55000${index}`).replaceAll('a0000', `a${index}000`),
      );
      utimesSync(path, new Date(), new Date(Date.now() - age * 86_400_000));
    }
    const ingest = await start();
    await ingest.settled();
    const order = db.sql('SELECT file FROM ingest_log ORDER BY id').pluck().all();
    assert.deepEqual(order, ['1.jsonl', '2.jsonl', '0.jsonl']);
  });

  it('takes only what belongs to the workspace, unless it is asked to', async () => {
    const { db, start, home, session, content, write, messages } = await setUp({ watch: false });
    write(`${session.slice(0, -5)}2.jsonl`, content('claude/session.jsonl').replaceAll('engine', 'engine-2'));
    write(
      join(home, '.codex/sessions/2026/03/01/rollout-x.jsonl'),
      readFileSync(join(fixtures, 'codex/rollout-2025-08-01T10-00-00-cf4def41-0000-4000-8000-00000000c01d.jsonl')),
    );
    write(
      join(home, '.gemini/tmp/other/chats/session-1.jsonl'),
      content('gemini/engine/chats/session-2026-03-01T10-00-6666.jsonl'),
    );
    const ingest = await start();
    await ingest.settled();
    assert.equal(messages(), 0);
    await ingest.import([join(home, '.codex')]);
    assert.equal(messages(), 4);
    await assert.rejects(ingest.import([join(home, 'engine')]), { reason: 'bad-request' });
    await assert.rejects(ingest.import([join(home, 'nowhere')]), { reason: 'not-found' });
    mkdirSync(join(home, '.codex/a-folder.json'));
    await ingest.import([join(home, '.codex')]);
    symlinkSync('loop.json', join(home, '.codex/loop.json'));
    await assert.rejects(ingest.import([join(home, '.codex')]), { reason: 'bad-request', message: /loop\.json/ });
    assert.equal(db.sql(`SELECT count(*) FROM ingest_files WHERE state ->> '$.place' = 'ours'`).pluck().get(), 1);
  });

  it('takes every agent’s transcripts, those of linked worktrees too', async () => {
    const { db, start, home, folder, content, write } = await setUp(
      { watch: false },
      { sources: ['claude-code', 'codex', 'gemini', 'copilot-cli', 'vscode-chat'] },
    );
    const tree = join(home, 'tree');
    write(join(folder, '.git/worktrees/tree/gitdir'), `${join(tree, '.git')}\n`);
    write(join(tree, '.git'), `gitdir: ${join(folder, '.git/worktrees/tree')}\n`);
    write(
      join(home, '.claude/projects', tree.replace(/[^A-Za-z0-9]/g, '-'), 'x.jsonl'),
      content('claude/session.jsonl').replaceAll(folder, tree),
    );
    write(
      join(home, '.codex/archived_sessions/rollout-1.jsonl'),
      content('codex/rollout-2025-08-01T10-00-00-cf4def41-0000-4000-8000-00000000c01d.jsonl'),
    );
    write(join(home, '.gemini/tmp/engine/.project_root'), folder);
    write(
      join(home, '.gemini/tmp/engine/chats/session-1.json'),
      content('gemini/engine/chats/session-2026-02-01T10-00-6667.json'),
    );
    cpSync(join(fixtures, 'copilot'), join(home, '.copilot/session-state'), { recursive: true });
    const copilot = 'copilot/77770000-0000-4000-8000-000000000001';
    for (const name of ['workspace.yaml', 'events.jsonl']) {
      write(join(home, '.copilot/session-state', copilot.slice(8), name), content(`${copilot}/${name}`));
    }
    const chats = join(home, '.config/Code/User/workspaceStorage/abc123');
    write(join(chats, 'workspace.json'), JSON.stringify({ folder: `file://${folder}` }));
    write(
      join(chats, 'chatSessions/1.json'),
      content('vscode/abc123/chatSessions/44440000-0000-4000-8000-000000000001.json'),
    );
    const ingest = await start();
    await ingest.settled();
    const sources = db.sql('SELECT source FROM conversations ORDER BY source').pluck().all();
    assert.deepEqual(sources, ['claude-code', 'codex', 'copilot-cli', 'gemini', 'vscode-chat']);
  });

  it('knows a file again that was moved, compressed or linked to, and keeps what a deleted one said', async () => {
    const { db, start, home, content, write, messages } = await setUp({ watch: false });
    const sessions = join(home, '.codex/sessions/2026/03/01');
    const name = 'rollout-2026-03-01T10-00-00-019c0000-0000-7000-8000-00000000c0de.jsonl';
    write(join(sessions, name), content(`codex/${name}`));
    const ingest = await start();
    await ingest.settled();
    const before = contentsOf(db);
    const archived = join(home, '.codex/archived_sessions', name);
    mkdirSync(dirname(archived));
    renameSync(join(sessions, name), archived);
    symlinkSync(archived, join(sessions, `rollout-link-${name}`));
    symlinkSync(join(home, '.codex/sessions'), join(home, '.codex/sessions/2025'));
    await ingest.rescan();
    assert.deepEqual(contentsOf(db), before);
    write(`${archived}.zst`, zlib.zstdCompressSync(readFileSync(archived)));
    rmSync(archived);
    await ingest.rescan();
    assert.equal(messages(), before.messages.length);
    rmSync(`${archived}.zst`);
    await ingest.rescan();
    assert.deepEqual(contentsOf(db).messages, before.messages);
  });

  it('takes no file for another one of which it only has the inode number', async () => {
    const { db, start, projects, session, content, write, messages } = await setUp({ watch: false });
    write(session, content('claude/session.jsonl'));
    const ingest = await start();
    await ingest.settled();
    const before = messages();
    rmSync(session);
    const other = join(projects, '5e550000-0000-4000-8000-000000000009.jsonl');
    write(other, content('claude/session.jsonl').replaceAll('engine', 'elsewhere').replaceAll('a000', 'f000'));
    const { dev, ino } = statSync(other, { bigint: true });
    await ingest.close();
    db.sql('UPDATE ingest_files SET device = ?, inode = ?').run(String(dev), String(ino));
    const next = await start();
    await next.settled();
    assert.equal(messages(), before);
    const files = db.sql('SELECT path FROM ingest_files ORDER BY path').pluck().all();
    assert.deepEqual(files, [session, other]);
  });

  it('goes on where it was stopped, and reads nothing twice', async () => {
    const { db, start, session, content, write } = await setUp({ watch: false });
    write(session, content('claude/session.jsonl'));
    const first = await start();
    await first.settled();
    await first.close();
    const before = contentsOf(db);
    const second = await start();
    await second.settled();
    assert.deepEqual(contentsOf(db), before);
    assert.deepEqual([first.health().state, second.health().state], ['stopped', 'idle']);
    assert.deepEqual(await verify(db, origin, false), { problems: [], repaired: [] });
  });

  it('writes nothing any more once another instance leads', async () => {
    const { db, leader, start, session, content, write, messages, log } = await setUp({ watch: false });
    await takeOverLeadership(db, '00000000-0000-7000-8000-000000000002', leader.epoch);
    write(session, content('claude/session.jsonl'));
    const ingest = await start();
    await ingest.settled();
    assert.equal(messages(), 0);
    assert.ok(log.some((line) => line.includes('leads now')));
    assert.equal(ingest.health().state, 'stopped');
  });

  it('finds its messages again when only they could be saved from a damaged database', async () => {
    const { db, start, session, content, write } = await setUp({ watch: false });
    write(session, content('claude/session.jsonl'));
    const first = await start();
    await first.settled();
    await first.close();
    const before = contentsOf(db);
    const tables = [
      'ingest_messages',
      'ingest_sessions',
      'usage',
      'ingest_unknown',
      'ingest_quarantine',
      'ingest_files',
    ];
    await db.write(() => {
      for (const table of tables) db.sql(`DELETE FROM ${table}`).run();
    });
    const second = await start();
    await second.settled();
    const after = contentsOf(db);
    assert.deepEqual(
      [after.messages, after.conversations, after.usage],
      [before.messages, before.conversations, before.usage],
    );
  });

  it('never fills a conversation again that was deleted for good', async () => {
    const { db, start, session, content, write } = await setUp({ watch: false });
    const lines = content('claude/session.jsonl').split(/(?<=\n)/);
    write(session, lines.slice(0, 8).join(''));
    const ingest = await start();
    await ingest.settled();
    const [id] = db.sql('SELECT id FROM conversations').pluck().all() as string[];
    await purgeConversations(db, origin, [id ?? '']);
    await removePurged(db, (body) => db.write(body));
    const stored = () => db.sql('SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM usage)').raw().get();
    const before = stored();
    appendFileSync(session, lines.slice(8).join(''));
    await ingest.rescan();
    assert.deepEqual(stored(), before);
    const row = db.sql('SELECT title, last_seq FROM conversations').raw().get();
    assert.deepEqual(row, ['', Number(db.sql('SELECT count(*) FROM messages').pluck().get())]);
    assert.deepEqual(db.sql('SELECT title, cwd, branch, model FROM ingest_sessions').raw().get(), [
      '',
      null,
      null,
      null,
    ]);
  });

  it('moves to the bin what is older than the user wants to keep, but nothing pinned, and only if told to', async () => {
    const { db, start, projects, content, write } = await setUp({ watch: false });
    for (const name of ['1', '2']) {
      const text = content('claude/session.jsonl').replaceAll('5e550000', `5e55000${name}`);
      write(join(projects, `${name}.jsonl`), text.replaceAll('a0000', `a${name}000`).replaceAll('msg_', `msg${name}_`));
    }
    const first = await start();
    await first.settled();
    await first.close();
    const deleted = () => db.sql('SELECT deleted_at IS NOT NULL FROM conversations ORDER BY external_id').pluck().all();
    assert.deepEqual(deleted(), [0, 0]);
    await db.write(() => db.sql(`UPDATE conversations SET pinned_at = 1 WHERE external_id LIKE '5e550001%'`).run());
    const leader = readLeader(db);
    assert.equal(await expireOld(db, leader, { before: Date.UTC(2026, 0), onCommitted: () => undefined }), 0);
    assert.equal(await expireOld(db, leader, { before: Date.now(), onCommitted: () => undefined }), 1);
    assert.deepEqual(deleted(), [0, 1]);
    assert.ok(changeTypes(db).includes('ConversationDeleted'));
    await assert.rejects(
      expireOld(db, { ...leader, epoch: 0 }, { before: Date.now(), onCommitted: () => undefined }),
      hasReason('not-leader'),
    );
  });

  it('says what it cannot read, and goes on with the rest', async () => {
    const { start, home, folder, content, write, messages } = await setUp({ watch: false }, { polling: true });
    const name = 'rollout-2025-08-01T10-00-00-cf4def41-0000-4000-8000-00000000c01d.jsonl';
    write(join(home, '.codex/sessions', `${name}.zst`), 'not compressed');
    write(join(home, '.codex/archived_sessions', name), content(`codex/${name}`));
    const ingest = await start();
    await ingest.settled();
    const { degraded } = ingest.health();
    assert.deepEqual([degraded.map(({ mode }) => mode), messages()], [['polling', 'cannot-read'], 4]);
    assert.ok(folder.length > 0 && degraded[1]?.text.includes(`${name}.zst`));
    write(join(home, '.codex/sessions', `${name}.zst`), zlib.zstdCompressSync(content(`codex/${name}`)));
    await ingest.rescan();
    assert.deepEqual(
      ingest.health().degraded.map(({ mode }) => mode),
      ['polling'],
    );
  });

  it('tries those again once, one by one, with which the reading thread has died', async () => {
    const { start, projects, session, content, write, messages, log } = await setUp({ watch: false });
    const prompts = content('claude/session.jsonl');
    write(session, prompts);
    write(join(projects, 'older.jsonl'), prompts.replaceAll('5e550000', '5e550001').replaceAll('a000', 'f000'));
    utimesSync(join(projects, 'older.jsonl'), 1, 1);
    let deaths = 0;
    const kill = (worker: Worker) => {
      if (++deaths <= 2) void worker.terminate();
    };
    process.on('worker', kill);
    databases.directory.defer(() => void process.off('worker', kill));
    const ingest = await start();
    await ingest.settled();
    // The older one, which was tried alone, has done nothing.
    assert.deepEqual([messages(), log.length], [11, 1]);
    assert.match(log[0] ?? '', /5e550000.* cannot be read \(the reading thread has ended/);
    appendFileSync(session, '\n');
    await ingest.rescan();
    assert.deepEqual([messages() > 11, ingest.health().degraded], [true, []]);
  });

  it('goes on beside what cannot be looked at', async () => {
    const clock = new VirtualClock();
    clock.jump(Date.now());
    const { home, start, projects, session, content, write, messages, until } = await setUp({ clock });
    mkdirSync(join(home, '.codex'));
    symlinkSync('sessions', join(home, '.codex/sessions'));
    mkdirSync(projects, { recursive: true });
    symlinkSync('loop', join(projects, 'loop'));
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    databases.directory.defer(() => void process.off('unhandledRejection', note));
    const ingest = await start();
    await ingest.settled();
    symlinkSync('another', join(projects, 'another'));
    write(session, content('claude/session.jsonl'));
    await until(() => messages() === 11);
    assert.deepEqual([ingest.health().degraded, unhandled], [[], []]);
  });

  it('finds the sessions in a directory that is named after a link to the folder', async () => {
    const { home, folder, start, content, write, messages } = await setUp({ watch: false });
    const link = join(home, 'linked');
    symlinkSync(folder, link);
    const directory = join(home, '.claude/projects', link.replace(/[^A-Za-z0-9]/g, '-'));
    write(join(directory, '5e550000.jsonl'), content('claude/session.jsonl').replaceAll(folder, link));
    const ingest = await start([link]);
    await ingest.settled();
    assert.equal(messages(), 11);
  });

  it('tries again when it could not save, and says so meanwhile', async () => {
    const clock = new VirtualClock();
    const { db, start, session, content, write, messages, until } = await setUp({ clock, watch: false });
    requireWriter(99);
    write(session, content('claude/session.jsonl'));
    const ingest = await start();
    const modes = () => ingest.health().degraded.map(({ mode }) => mode);
    await until(() => modes().includes('cannot-save'));
    assert.equal(messages(), 0);
    requireWriter(1);
    await ingest.settled();
    clock.advance(5000);
    await until(() => messages() === 11);
    await ingest.settled();
    assert.deepEqual([modes(), db.readOnlyReason], [[], null]);
  });

  it('says that an import could not be saved, and forgets it when it is cancelled', async () => {
    const clock = new VirtualClock();
    clock.jump(Date.now());
    const { start, home, content, write, messages } = await setUp({ clock, watch: false });
    const path = join(home, 'session.jsonl');
    write(path, content('claude/session.jsonl'));
    const ingest = await start();
    requireWriter(99);
    await assert.rejects(ingest.import([path]), hasReason('newer-database'));
    ingest.cancel();
    requireWriter(1);
    clock.advance(5000);
    await ingest.settled();
    assert.equal(messages(), 0);
    await ingest.import([path]);
    assert.equal(messages(), 11);
  });

  it('gives up on what waits when it is cancelled, and takes it up again when asked', async () => {
    const { start, projects, content, write, messages } = await setUp({ watch: false });
    const old = new Date(Date.now() - 86_400_000);
    for (const index of [1, 2, 3]) {
      const path = join(projects, `${index}.jsonl`);
      const other = content('claude/session.jsonl').replaceAll('5e550000', `5e55000${index}`);
      write(
        path,
        other
          .replaceAll('"a0000', `"a${index}000`)
          .replaceAll('msg_', `msg_${index}`)
          .replaceAll('toolu_', `toolu_${index}`),
      );
      utimesSync(path, old, old);
    }
    const ingest = await start();
    ingest.cancel();
    await ingest.settled();
    assert.equal(messages(), 0);
    assert.equal(ingest.health().state, 'idle');
    await ingest.rescan();
    assert.equal(messages(), 33);
  });

  it('stops after the batch that is being stored when it is cancelled, and goes on from there when asked', async () => {
    const { db, start, folder, projects, write, messages, until } = await setUp({ watch: false });
    for (const file of [1, 2]) {
      const sessionId = `5e55000${file}-0000-4000-8000-000000000001`;
      const shared = { sessionId, cwd: folder, type: 'user', timestamp: '2026-01-01T00:00:00.000Z' };
      const lines = Array.from({ length: 2000 }, (_, index) => {
        const uuid = `a000${file}000-0000-4000-8000-${String(index).padStart(12, '0')}`;
        return JSON.stringify({ ...shared, uuid, message: { role: 'user', content: `Question ${index}` } });
      });
      write(join(projects, `${sessionId}.jsonl`), `${lines.join('\n')}\n`);
    }
    const ingest = await start();
    await until(() => messages() > 0);
    ingest.cancel();
    const stored = messages();
    await ingest.settled();
    assert.deepEqual([messages(), ingest.health().filesWaiting], [stored, 0]);
    await ingest.rescan();
    assert.equal(messages(), 4000);
    assert.deepEqual((await verify(db, origin, false)).problems, []);
  });
});
