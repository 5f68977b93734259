import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import Sqlite from 'better-sqlite3';
import type { Imported } from '../../../src/cli/import.ts';
import type { Conversation, Message } from '../../../src/protocol/model.ts';
import type { SyncStatus } from '../../../src/protocol/rpc.ts';
import { RpcClient } from '../../support/rpcClient.ts';
import { environmentIn, useTempDirectory } from '../../support/tempDirectory.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/transcripts');
const program = join(import.meta.dirname, '../../../dist/cli.cjs');

describe('devchat command', () => {
  const directory = useTempDirectory();
  const db = () => join(directory.path, 'chat.db');

  async function run(words: string[], input = '') {
    const env = { ...process.env, HOME: directory.path, ...environmentIn(directory) };
    const child = spawn(process.execPath, [program, ...words], { env, cwd: directory.path });
    directory.defer(() => child.kill('SIGKILL'));
    child.stdin.end(input);
    const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: await exit, stdout, stderr };
  }

  const inFile = (...words: string[]) => run(['--db', db(), ...words]);

  async function json<T>(words: string[], input = ''): Promise<T> {
    const { code, stdout, stderr } = await run(['--db', db(), '--json', ...words], input);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  }

  const titles = async () => (await json<Conversation[]>(['list'])).map(({ title }) => title);

  const id = '0198c5a2-7b1e-7cc3-98c4-dc0c0c07398f';
  for (const words of [
    ['status'],
    ['list'],
    ['show', id],
    ['search', 'x'],
    ['export', id],
    ['verify'],
    ['resync'],
    ['watch'],
  ]) {
    it(`${words[0]} makes no history where there is none`, async () => {
      const missing = await inFile(...words);
      assert.deepEqual([missing.code, missing.stderr], [1, `devchat: There is no chat history at ${db()}.\n`]);
      assert.equal(existsSync(db()), false);
      const unknown = await run(words);
      assert.deepEqual([unknown.code, unknown.stderr], [1, 'devchat: This folder has no chat history yet.\n']);
      assert.deepEqual(readdirSync(directory.path), []);
    });
  }

  it('finds the history of a folder that it has made by sending', async () => {
    const folder = join(directory.path, 'project');
    mkdirSync(folder);
    assert.equal((await run(['--workspace', folder, 'send', 'Hello'])).code, 0);
    const { code, stdout } = await run(['--workspace', folder, 'list']);
    assert.equal(code, 0);
    assert.match(stdout, /Hello/);
  });

  it('verify tells what was mended to open the history at all', async () => {
    await inFile('send', 'text');
    writeFileSync(db(), readFileSync(db()).fill(0, 0, 4096));
    const { stdout, stderr } = await inFile('verify');
    assert.match(stdout, /^Mended: The chat database was damaged and has been rebuilt: 1 message in 1 conversation/);
    assert.match(stderr, /^The chat database is damaged\. .*\nThe chat database was damaged and has been rebuilt: /);
  });

  it('never leads', async () => {
    await json(['send', 'Hello']);
    assert.equal((await json<SyncStatus>(['status'])).leader, null);
    const sqlite = new Sqlite(db(), { readonly: true });
    assert.equal(sqlite.prepare('SELECT count(*) FROM leader').pluck().get(), 0);
    sqlite.close();
  });

  it('names a new conversation after its message, unless it is told a title', async () => {
    await json(['send', '# The **first** words\nand more']);
    await json(['send', '-'], '\n\n- Piped `words`\nand more');
    await json(['send', 'Hello', '--title', 'Mine']);
    await json(['send', '-', '--title', 'My own'], 'Hello');
    assert.deepEqual((await titles()).sort(), ['Mine', 'My own', 'Piped words', 'The first words']);
  });

  it('is heard by every window before it ends', async () => {
    const window = new RpcClient(program, ['serve', '--stdio'], environmentIn(directory));
    directory.defer(() => window.child.kill('SIGKILL'));
    await window.request('initialize', { databasePath: db(), client: 'test' });
    const heard = new Set<string>();
    for (let count = 1; count <= 5; count++) {
      await json(['send', `Message ${count}`]);
      const { peers } = await window.notified<SyncStatus>('status', (status) =>
        status.peers.some(({ instanceId }) => !heard.has(instanceId)),
      );
      for (const { instanceId } of peers) heard.add(instanceId);
    }
    assert.equal(heard.size, 5);
  });

  it('keeps all of a piped text', async () => {
    const content = ` \n${'word 😀 '.repeat(50_000)}`;
    const message = await json<Message>(['send', '-'], content);
    assert.deepEqual([message.content === content, message.status], [true, 'complete']);
  });

  for (const [what, words, input] of [
    ['an empty text', ['send', ''], ''],
    ['a blank text', ['send', ' \n'], ''],
    ['an empty input', ['send', '-'], ''],
    ['a blank input', ['send', '-'], ' \n \n'],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await json(['send', 'Hello']);
      const { code, stderr } = await run(['--db', db(), ...words], input);
      assert.deepEqual([code, stderr], [2, 'devchat: Nothing to send.\n']);
      assert.deepEqual(await titles(), ['Hello']);
    });
  }

  it('says what an id is when it is given none', async () => {
    for (const words of [
      ['show', 'nope'],
      ['resync', 'nope'],
      ['send', 'Hello', '--conversation', 'nope'],
    ]) {
      const { code, stderr } = await inFile(...words);
      assert.equal(code, 2);
      assert.match(stderr, /^devchat: “nope” is not an id: /);
    }
  });

  it('resyncs one conversation or all, and fails when messages stay missing', async () => {
    const [first, second] = [await json<Message>(['send', 'One']), await json<Message>(['send', 'Two'])];
    const synced = { state: 'SYNCED', reason: 'validated', fetchedRanges: [], fetched: 0 };
    const one = await json<unknown>(['resync', first.conversationId]);
    assert.deepEqual(one, { conversationId: first.conversationId, ...synced });
    const all = await json<{ conversationId: string }[]>(['resync']);
    assert.deepEqual(
      new Set(all.map(({ conversationId }) => conversationId)),
      new Set([first.conversationId, second.conversationId]),
    );
    const sqlite = new Sqlite(db());
    sqlite.prepare('DELETE FROM messages WHERE id = ?').run(first.id);
    sqlite.close();
    const { code, stdout } = await inFile('resync');
    assert.equal(code, 1);
    assert.match(stdout, new RegExp(`${first.conversationId}  messages are missing`));
    assert.match(stdout, new RegExp(`${second.conversationId}  nothing is missing`));
  });

  it('exports one conversation to where it is told, or to standard output', async () => {
    const { conversationId } = await json<Message>(['send', '# Hello\n\nworld']);
    const markdown = await inFile('export', conversationId);
    assert.deepEqual([markdown.code, markdown.stderr], [0, '']);
    assert.match(markdown.stdout, /^# Hello\n\n\*chat · .*\n\n## User\n\n\*.*\n\n# Hello\n\nworld\n$/);
    const { stdout: lines } = await inFile('export', conversationId, '--format', 'jsonl');
    assert.equal((JSON.parse(lines) as Message).content, '# Hello\n\nworld');
    const [file, folder] = [join(directory.path, 'talk.md'), join(directory.path, 'new', 'folder')];
    assert.equal((await inFile('export', conversationId, '--out', file)).stdout, `${file}\n`);
    assert.equal(readFileSync(file, 'utf8'), markdown.stdout);
    await inFile('export', conversationId, '--out', `${folder}/`);
    assert.match(readdirSync(folder).join(), /^\d{4}-\d\d-\d\d Hello [0-9a-f]{12}\.md$/);
  });

  it('exports all conversations that are not in the bin, a file for each', async () => {
    const folder = join(directory.path, 'out');
    for (const text of ['One', 'Two', 'One']) await json(['send', text]);
    const files = await json<{ file: string; conversationId: string }[]>(['export', '--out', folder]);
    assert.deepEqual(
      files.map(({ file }) => file).sort(),
      readdirSync(folder)
        .map((name) => join(folder, name))
        .sort(),
    );
    assert.equal(files.length, 3);
    const without = await inFile('export');
    assert.deepEqual([without.code, /--out/.test(without.stderr)], [2, true]);
    const unknown = await inFile('export', id, '--out', folder);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, new RegExp(`no conversation ${id}`));
    assert.equal((await inFile('export', '--format', 'pdf')).code, 2);
  });

  it('exports a conversation of many pages whole', async () => {
    const { conversationId } = await json<Message>(['send', 'first']);
    const sqlite = new Sqlite(db());
    const insert = sqlite.prepare(
      `INSERT INTO messages(id, conversation_id, seq, role, content, status, created_at, updated_at)
       VALUES (?, ?, ?, 'user', ?, 'complete', 1, 1)`,
    );
    sqlite.transaction(() => {
      for (let seq = 2; seq <= 1200; seq++) insert.run(`m${seq}`, conversationId, seq, 'text');
      sqlite.exec('UPDATE conversations SET last_seq = 1200');
    })();
    sqlite.close();
    const { stdout } = await inFile('export', conversationId, '--format', 'jsonl');
    assert.deepEqual(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as Message).seq),
      Array.from({ length: 1200 }, (_, index) => index + 1),
    );
  });

  it('lists the conversations of all workspaces', async () => {
    assert.equal((await run(['list', '--all'])).stdout, 'No workspace has a chat history yet.\n');
    for (const name of ['one', 'two']) {
      mkdirSync(join(directory.path, name));
      await run(['--workspace', join(directory.path, name), 'send', `Hello ${name}`]);
    }
    const { stdout } = await run(['list', '--all']);
    for (const name of ['one', 'two'])
      assert.match(stdout, new RegExp(`${join(directory.path, name)}\n  .*Hello ${name}`));
    const { stdout: list } = await run(['--json', 'list', '--all']);
    const all = JSON.parse(list) as { workspace: { conversations: number }; conversations: Conversation[] }[];
    assert.deepEqual(
      all.map(({ workspace, conversations }) => [workspace.conversations, conversations.length]),
      [
        [1, 1],
        [1, 1],
      ],
    );
  });

  it('links a folder that was made anew with the history it had, and says how to come back', async () => {
    const [old, anew] = ['old', 'anew'].map((name) => join(directory.path, name)) as [string, string];
    mkdirSync(old);
    await run(['--workspace', old, 'send', 'Hello']);
    cpSync(old, anew, { recursive: true });
    rmSync(old, { recursive: true });
    await run(['--workspace', anew, 'send', 'Begun anew']);
    const { code, stdout } = await run(['relink', old, '--workspace', anew]);
    assert.equal(code, 0);
    const [, workspace, own] =
      /^.* uses the history (\S+) now\.\n.* is kept\. To use it again: devchat .* relink (\S+)\nWindows .*\n$/.exec(
        stdout,
      ) ?? [];
    assert.match((await run(['--workspace', anew, 'list'])).stdout, /Hello/);
    const { stdout: all } = await run(['list', '--all']);
    assert.match(all, new RegExp(`^${workspace}  ${anew}, ${old}\n  .*Hello`, 'm'));
    assert.match(all, new RegExp(`^${own}  \\(formerly ${anew}\\)\n  .*Begun anew`, 'm'));
    const again = await run(['--workspace', anew, 'relink', `${workspace}`]);
    assert.deepEqual([again.code, again.stdout], [0, `${anew} uses this history already.\n`]);
    await run(['--workspace', anew, 'relink', `${own}`]);
    assert.match((await run(['--workspace', anew, 'list'])).stdout, /Begun anew/);
  });

  it('says what it cannot link', async () => {
    const unknown = await run(['relink', 'nope']);
    assert.deepEqual([unknown.code, unknown.stdout], [1, '']);
    assert.match(
      unknown.stderr,
      /“nope” is neither the id nor a folder of a chat history\. “devchat list --all” shows/,
    );
    const file = await inFile('relink', id);
    assert.deepEqual([file.code, /use --workspace in place of --db/.test(file.stderr)], [2, true]);
    assert.equal((await run(['--workspace', join(directory.path, 'missing'), 'relink', id])).code, 2);
  });

  it('imports transcripts as the leader where there is none, and says what became of each record', async () => {
    const path = join(fixtures, 'claude', 'pitfalls.jsonl');
    const { stdout, code } = await inFile('import', path);
    assert.equal(code, 0);
    assert.match(stdout, /^Imported: {2}1 files; records: 14 found = 8 stored \+ 2 duplicates \+ 4 quarantined\n/);
    assert.match(stdout, new RegExp(`${path}, byte \\d+: not-json \\(\\d+ bytes\\)`));
    const { imported, total, files } = await json<Imported>(['import', path]);
    assert.deepEqual(
      [imported.found, total.found, files.length],
      [imported.stored + imported.duplicates + imported.quarantined, imported.found, 1],
    );
    assert.equal((await titles()).length > 0, true);
  });

  it('imports what an agent has written in a folder', async () => {
    const folder = join(directory.path, 'project');
    const projects = join(directory.path, '.claude', 'projects', folder.replace(/[^A-Za-z0-9]/g, '-'));
    for (const path of [folder, projects]) mkdirSync(path, { recursive: true });
    const transcript = readFileSync(join(fixtures, 'claude/session.jsonl'), 'utf8').replaceAll(
      '/home/ada/engine',
      folder,
    );
    writeFileSync(join(projects, '5e550000-0000-4000-8000-000000000001.jsonl'), transcript);
    const { stdout } = await run(['--workspace', folder, 'import']);
    assert.match(stdout, /^In all: {4}1 conversations with 11 messages, from 1 files$/m);
    assert.match((await run(['--workspace', folder, 'status'])).stdout, /^Transcripts: {6}none are read$/m);
  });

  it('says what to import where it cannot know, and what it does not find', async () => {
    const unnamed = await inFile('import');
    assert.deepEqual([unnamed.code, /name the files/.test(unnamed.stderr)], [2, true]);
    const missing = await inFile('import', join(directory.path, 'nothing'));
    assert.deepEqual([missing.code, /There is no file or folder/.test(missing.stderr)], [1, true]);
  });

  it('takes an id in capitals for the same', async () => {
    const { conversationId } = await json<Message>(['send', 'Hello']);
    const [message] = await json<Message[]>(['show', conversationId.toUpperCase()]);
    assert.equal(message?.content, 'Hello');
    const again = await json<Message>(['send', 'Again', '--conversation', conversationId.toUpperCase()]);
    assert.deepEqual([again.conversationId, again.seq], [conversationId, 2]);
  });
});
