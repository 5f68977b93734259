import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { MAX_LINE } from '../../../src/ingest/lines.ts';
import { readTranscript } from '../../../src/ingest/reader.ts';
import { canonical } from '../../../src/ingest/roots.ts';
import type { Source } from '../../../src/protocol/ingest.ts';
import { deleteConversation, listConversations } from '../../../src/store/conversations.ts';
import { Database } from '../../../src/store/database.ts';
import { findIngestFile, ingestReport } from '../../../src/store/ingestFiles.ts';
import { deleteMessage, updateMessage } from '../../../src/store/messages.ts';
import { origin, useDatabases } from '../../support/database.ts';
import { runs } from '../properties.ts';
import { type Corpus, claudeCorpus } from './corpus.ts';
import { contentsOf, fixtures, ingestFile, lead, workspace } from './support.ts';

const growing: [Source, string][] = [
  ['claude-code', 'claude/session.jsonl'],
  ['claude-code', 'claude/pitfalls.jsonl'],
  ['claude-code', 'claude/blocks.jsonl'],
  ['codex', 'codex/rollout-2026-03-01T10-00-00-019c0000-0000-7000-8000-00000000c0de.jsonl'],
  ['codex', 'codex/rollout-2025-08-01T10-00-00-cf4def41-0000-4000-8000-00000000c01d.jsonl'],
  ['gemini', 'gemini/engine/chats/session-2026-03-01T10-00-6666.jsonl'],
  ['copilot-cli', 'copilot/77770000-0000-4000-8000-000000000001/events.jsonl'],
  ['vscode-chat', 'vscode/abc123/chatSessions/44440000-0000-4000-8000-000000000002.jsonl'],
];

describe('a transcript gives the same history', () => {
  const databases = useDatabases();

  let count = 0;
  /** Feeds the pieces of a file to a new database, which every piece finds as a process would that has just started. */
  async function feed(source: Source, fixture: string, content: Buffer, cuts: readonly number[], crashes = false) {
    const directory = join(databases.directory.path, `run-${++count}`);
    const path = join(directory, fixture);
    mkdirSync(dirname(path), { recursive: true });
    copySurroundings(fixture, directory);
    const db = await Database.open(join(directory, 'db', 'chat.db'), () => []);
    const leader = await lead(db);
    let written = 0;
    for (const cut of [...cuts, content.length]) {
      appendFileSync(path, content.subarray(written, cut));
      written = Math.max(written, cut);
      if (crashes) await readWithoutStoring(db, path, source);
      await ingestFile(db, leader, path, source);
    }
    const contents = contentsOf(db);
    await db.close();
    rmSync(directory, { recursive: true });
    return contents;
  }

  /** What a process does that is killed before its transaction ends. */
  async function readWithoutStoring(db: Database, path: string, source: Source) {
    const known = findIngestFile(db, path);
    const request = { path, source, known, folders: [workspace], takeAll: false, redact: true, batchSize: 3 };
    for await (const _ of readTranscript(request)) break;
  }

  for (const [source, fixture] of growing) {
    it(`at once, line by line and cut anywhere, with crashes in between: ${fixture}`, async function () {
      this.timeout(60_000);
      const content = readFileSync(join(fixtures, fixture));
      const expected = await feed(source, fixture, content, []);
      assert.notDeepEqual(expected.messages, []);
      const same = async (cuts: number[]) => {
        const actual = await feed(source, fixture, content, cuts, true);
        // A document is found again with every version of it that was read.
        if (source === 'vscode-chat') actual.counts = expected.counts;
        assert.deepEqual(actual, expected);
      };
      await same(lineEnds(content));
      const cuts = fc.uniqueArray(fc.nat(content.length), { maxLength: 12 }).map((all) => all.sort((a, b) => a - b));
      // Each run reads and crashes with a database of its own, as those below.
      await fc.assert(fc.asyncProperty(cuts, same), runs(15));
    });
  }

  it('line by line, with what is remembered only for a while', async () => {
    const [source, fixture] = ['copilot-cli', 'copilot/77770000-0000-4000-8000-000000000001/events.jsonl'] as const;
    const lines = readFileSync(join(fixtures, fixture), 'utf8').split(/(?<=\n)/);
    const thought = {
      type: 'assistant.reasoning',
      id: 'e0000099-0000-4000-8000-000000000000',
      data: { content: 'Why?' },
    };
    const reply = lines.findIndex((line) => line.includes('"assistant.message"'));
    const content = Buffer.from(lines.toSpliced(reply, 0, `${JSON.stringify(thought)}\n`).join(''));
    assert.deepEqual(await feed(source, fixture, content, lineEnds(content)), await feed(source, fixture, content, []));
  });

  it('byte by byte', async function () {
    this.timeout(120_000);
    const fixture = 'claude/pitfalls.jsonl';
    const content = readFileSync(join(fixtures, fixture));
    const cuts = Array.from({ length: content.length }, (_, at) => at).filter((at) => at > 900 && at < 2400);
    assert.deepEqual(
      await feed('claude-code', fixture, content, cuts),
      await feed('claude-code', fixture, content, []),
    );
  });

  it('whatever was generated, broken lines included, line by line and in batches of any size', async function () {
    this.timeout(120_000);
    const check = async (corpus: Corpus, shares: number[]) => {
      const fixture = 'claude/session.jsonl';
      const expected = await feed('claude-code', fixture, corpus.bytes, []);
      const anywhere = shares.map((share) => Math.floor(share * corpus.bytes.length)).sort((a, b) => a - b);
      assert.deepEqual(await feed('claude-code', fixture, corpus.bytes, anywhere), expected);
      assert.deepEqual(await feed('claude-code', fixture, corpus.bytes, lineEnds(corpus.bytes)), expected);
    };
    const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });
    await fc.assert(fc.asyncProperty(claudeCorpus({ maxRecords: 40 }), shares, check), runs(25));
  });
});

describe('what becomes of every record', () => {
  const databases = useDatabases();

  async function setUp() {
    const db = await databases.open();
    const leader = await lead(db);
    const path = join(databases.directory.path, 'session.jsonl');
    const ingest = () => ingestFile(db, leader, path, 'claude-code');
    return { db, leader, path, ingest, messages: () => contentsOf(db).messages };
  }

  const fixture = join(fixtures, 'claude/session.jsonl');

  it('is told exactly, for a corpus whose totals are known', async function () {
    this.timeout(60_000);
    const check = async (corpus: Corpus) => {
      const directory = join(databases.directory.path, String(Math.random()));
      const db = await Database.open(join(directory, 'chat.db'), () => []);
      const leader = await lead(db);
      const path = join(directory, 'session.jsonl');
      writeFileSync(path, corpus.bytes);
      await ingestFile(db, leader, path, 'claude-code');
      const { total, messages, usage } = ingestReport(db);
      await db.close();
      const { found, stored, duplicates, quarantined, bookkeeping } = total;
      assert.deepEqual({ found, stored, duplicates, quarantined, bookkeeping, messages, usage }, corpus.totals);
      assert.equal(found, stored + duplicates + quarantined);
    };
    await fc.assert(fc.asyncProperty(claudeCorpus({ maxRecords: 80 }), check), runs(40));
    const [large] = fc.sample(claudeCorpus({ minRecords: 1500, maxRecords: 1500 }), 1);
    await check(large as Corpus);
  });

  it('is nothing new when the file is rewritten, rotated, renamed or copied', async () => {
    const { db, leader, path, ingest, messages } = await setUp();
    copyFileSync(fixture, path);
    await ingest();
    const [before, stored] = [messages(), ingestReport(db).total.stored];
    rmSync(path);
    copyFileSync(fixture, path);
    await ingest();
    renameSync(path, `${path}.old.jsonl`);
    await ingestFile(db, leader, `${path}.old.jsonl`, 'claude-code');
    const { total } = ingestReport(db);
    assert.deepEqual([messages(), total.stored], [before, stored]);
    assert.ok(total.duplicates >= stored);
    assert.equal(total.found, total.stored + total.duplicates + total.quarantined);
  });

  it('is kept when the file is truncated, and what is written then is read', async () => {
    const { path, ingest, messages } = await setUp();
    copyFileSync(fixture, path);
    await ingest();
    const before = messages();
    truncateSync(path, 700);
    await ingest();
    assert.deepEqual(messages(), before);
    const prompt = readFileSync(join(fixtures, 'claude/pitfalls.jsonl'), 'utf8').split('\r\n').at(-1) ?? '';
    writeFileSync(path, `${prompt}\n`);
    await ingest();
    assert.equal(messages().length, before.length + 1);
  });

  it('is read anew when the same number of bytes says something else', async () => {
    const { path, ingest, messages } = await setUp();
    copyFileSync(fixture, path);
    await ingest();
    const other = readFileSync(path, 'utf8')
      .replaceAll('-0000-4000-8000-', '-1111-4111-8111-')
      .replaceAll('msg_', 'msh_');
    const before = messages().length;
    writeFileSync(path, other.replaceAll('toolu_', 'toolv_'));
    await ingest();
    assert.equal(messages().length, 2 * before);
  });

  it('is one message with two conversations in a fork, whichever is read first', async () => {
    const files = ['session', 'fork'].map((name) => join(fixtures, `claude/${name}.jsonl`));
    const totals = [];
    for (const order of [files, files.toReversed()]) {
      const db = await Database.open(join(databases.directory.path, String(totals.length), 'chat.db'), () => []);
      const leader = await lead(db);
      for (const file of order) await ingestFile(db, leader, file, 'claude-code');
      const { messages, usage } = ingestReport(db);
      const members = db
        .sql(
          `SELECT external_id, count(*) AS messages FROM (
             SELECT conversation_id FROM messages UNION ALL SELECT conversation_id FROM memberships)
           JOIN conversations c ON c.id = conversation_id GROUP BY external_id ORDER BY external_id`,
        )
        .all();
      const newest = db
        .sql(
          `SELECT m.conversation_id AS conversationId, max(m.seq) AS seq
           FROM memberships s JOIN messages m ON m.id = s.message_id`,
        )
        .all();
      const beginnings = listConversations(db, false).conversations.flatMap(({ origin }) => origin?.beginsIn ?? []);
      assert.deepEqual(beginnings, newest);
      totals.push({ messages, usage, members });
      await db.close();
    }
    assert.deepEqual(totals[0], totals[1]);
    assert.deepEqual([totals[0]?.messages, totals[0]?.usage.output], [12, 140]);
  });

  it('leaves alone what the user has deleted, changed or renamed', async () => {
    const { db, path, ingest } = await setUp();
    const content = readFileSync(fixture);
    const half = content.indexOf('toolu_1');
    writeFileSync(path, content.subarray(0, content.lastIndexOf(0x0a, half) + 1));
    await ingest();
    const [prompt, answer] = db.sql('SELECT id FROM messages ORDER BY seq').pluck().all() as string[];
    await deleteMessage(db, origin, String(prompt));
    await updateMessage(db, origin, { messageId: String(answer), content: 'Mine' });
    const { id } = db.sql('SELECT id FROM conversations').get() as { id: string };
    appendFileSync(path, content.subarray(content.lastIndexOf(0x0a, half) + 1));
    await ingest();
    await deleteConversation(db, origin, id);
    writeFileSync(path, content);
    await ingest();
    const rows = db.sql('SELECT content, deleted_at IS NOT NULL AS gone FROM messages ORDER BY seq LIMIT 2').all();
    assert.deepEqual(rows, [
      { content: '', gone: 1 },
      { content: 'Mine', gone: 0 },
    ]);
    assert.equal(db.sql('SELECT count(*) FROM conversations WHERE deleted_at IS NULL').pluck().get(), 0);
  });

  it('is as it was told first when a copy of it says something else, and the conflict is counted', async () => {
    const { db, path, ingest } = await setUp();
    const said = (text: string) => ({ id: 'm', content: [{ type: 'text', text }] });
    const base = { type: 'assistant', sessionId: 's', cwd: workspace, timestamp: '2026-03-01T10:00:00Z' };
    const records = [
      { ...base, uuid: 'u1', message: said('One.') },
      { ...base, uuid: 'u2', message: said('Two.') },
      { ...base, uuid: 'u1', message: said('Another one.') },
    ];
    writeFileSync(path, `${records.map((record) => JSON.stringify(record)).join('\n')}\n`);
    await ingest();
    assert.deepEqual(db.sql('SELECT content FROM messages').pluck().all(), ['One.\n\nTwo.']);
    const { stored, duplicates, conflicts } = ingestReport(db).total;
    assert.deepEqual({ stored, duplicates, conflicts }, { stored: 2, duplicates: 1, conflicts: 1 });
  });

  it('tells where the session was begun, and on which branch and as which model it went on', async () => {
    const { db, path, ingest } = await setUp();
    const base = { sessionId: 's', timestamp: '2026-03-01T10:00:00Z' };
    const said = (model: string) => ({ id: model, model, content: 'Done.' });
    const records = [
      { ...base, type: 'user', uuid: 'u1', cwd: workspace, gitBranch: 'main', message: { content: 'Go there.' } },
      { ...base, type: 'assistant', uuid: 'u2', cwd: workspace, gitBranch: 'main', message: said('first') },
      { ...base, type: 'assistant', uuid: 'u3', cwd: `${workspace}/docs`, gitBranch: 'docs', message: said('second') },
      { ...base, type: 'user', uuid: 'u4', message: { content: 'Thanks.' } },
    ];
    for (const record of records) {
      appendFileSync(path, `${JSON.stringify(record)}\n`);
      await ingest();
    }
    const place = db.sql('SELECT cwd, branch, model FROM ingest_sessions').get();
    assert.deepEqual(place, { cwd: workspace, branch: 'docs', model: 'second' });
  });

  it('goes to the session that it names, also between those of another one', async () => {
    const { db, path, ingest } = await setUp();
    const sessions = ['s', 't', 's', 's', 't', 'u', 't'];
    for (const [index, sessionId] of sessions.entries()) {
      const record = {
        type: 'user',
        uuid: `u${index}`,
        sessionId,
        cwd: workspace,
        message: { content: `No. ${index}` },
      };
      appendFileSync(path, `${JSON.stringify(record)}\n`);
      if (index % 3 === 1) await ingest();
    }
    await ingest();
    const rows = db
      .sql(
        `SELECT external_id, group_concat(m.seq || ': ' || m.content, ', ' ORDER BY m.seq) FROM messages m
         JOIN conversations c ON c.id = m.conversation_id GROUP BY external_id ORDER BY external_id`,
      )
      .raw()
      .all();
    assert.deepEqual(rows, [
      ['s', '1: No. 0, 2: No. 2, 3: No. 3'],
      ['t', '1: No. 1, 2: No. 4, 3: No. 6'],
      ['u', '1: No. 5'],
    ]);
  });

  it('belongs to a folder under every name of it, and to no other', async () => {
    const { db, leader, path } = await setUp();
    const home = dirname(path);
    const [folder, link] = [join(home, 'engine'), join(home, 'link')];
    mkdirSync(join(folder, 'docs'), { recursive: true });
    mkdirSync(join(home, 'other'));
    symlinkSync(folder, link);
    const chats = join(home, 'storage', 'chatSessions');
    mkdirSync(chats, { recursive: true });
    writeFileSync(join(dirname(chats), 'workspace.json'), JSON.stringify({ folder: pathToFileURL(link).href }));
    const requests = [{ requestId: 'r', message: { text: 'In a chat' }, response: [] }];
    const chat = join(chats, 'chat.json');
    writeFileSync(chat, JSON.stringify({ sessionId: 'chat', requests }));
    await ingestFile(db, leader, chat, 'vscode-chat', { folders: [canonical(folder)] });
    for (const cwd of [join(link, 'docs'), join(link, 'gone'), join(link, '..', 'other')]) {
      const name = `${basename(cwd)}.jsonl`;
      const record = { type: 'user', uuid: name, sessionId: name, cwd, message: { content: name } };
      writeFileSync(join(home, name), `${JSON.stringify(record)}\n`);
      await ingestFile(db, leader, join(home, name), 'claude-code', { folders: [canonical(folder)] });
    }
    const contents = db.sql('SELECT content FROM messages ORDER BY content').pluck().all();
    assert.deepEqual(contents, ['In a chat', 'docs.jsonl', 'gone.jsonl']);
  });

  it('is kept apart as far as it is an image, however large', async () => {
    const { db, path, ingest } = await setUp();
    const bytes = Buffer.alloc(8 << 20, 'image');
    const source = { type: 'base64', media_type: 'image/png', data: bytes.toString('base64') };
    const message = {
      content: [
        { type: 'text', text: 'See:' },
        { type: 'image', source },
      ],
    };
    const record = { type: 'user', uuid: 'u', sessionId: 's', cwd: workspace, message };
    writeFileSync(path, `${JSON.stringify(record)}\n`);
    await ingest();
    const [content, length] = db.sql('SELECT content, octet_length(parts) FROM messages').raw().get() as unknown[];
    assert.equal(content, 'See:\n\n(image)');
    assert.ok(Number(length) < 200);
    assert.deepEqual(db.sql('SELECT media_type, content FROM blobs').raw().all(), [['image/png', bytes]]);
  });

  it('is quarantined unread when its line is too long, and what follows is read', async () => {
    const { db, path, ingest, messages } = await setUp();
    const prompt = (content: string) =>
      JSON.stringify({ type: 'user', uuid: content, sessionId: 's', cwd: workspace, message: { content } });
    const before = `${prompt('Before')}\n`;
    writeFileSync(path, `${before}{"`);
    for (let written = 2; written <= MAX_LINE; written += 1 << 20) appendFileSync(path, Buffer.alloc(1 << 20, 'x'));
    await ingest();
    assert.deepEqual(contentsOf(db).quarantine, []);
    appendFileSync(path, `"}\n${prompt('After')}\n`);
    await ingest();
    assert.deepEqual(
      messages().map((message) => (message as { content: string }).content),
      ['Before', 'After'],
    );
    const place = { path: basename(path), position: before.length, reason: 'too-long', beginning: '' };
    assert.deepEqual(contentsOf(db).quarantine, [{ ...place, size: MAX_LINE + 4 }]);
  });

  it('is told in the change log, so that windows follow', async () => {
    const { db, path, ingest } = await setUp();
    copyFileSync(fixture, path);
    await ingest();
    const added = db.sql(`SELECT seq FROM change_log WHERE change_type = 'MessageAdded' ORDER BY id`).pluck().all();
    assert.deepEqual(added, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    assert.equal(db.sql('SELECT count(DISTINCT txn) FROM change_log').pluck().get(), 1);
  });
});

function lineEnds(content: Buffer): number[] {
  return [...content.entries()].filter(([, byte]) => byte === 0x0a).map(([at]) => at + 1);
}

function copySurroundings(fixture: string, directory: string): void {
  for (const beside of ['../.project_root', '../workspace.json', 'workspace.yaml']) {
    const name = join(dirname(fixture), beside);
    try {
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      copyFileSync(join(fixtures, name), join(directory, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}
