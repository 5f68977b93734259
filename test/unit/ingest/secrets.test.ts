import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { redact } from '../../../src/ingest/redaction.ts';
import { redactStored } from '../../../src/ingest/redactStored.ts';
import type { Source } from '../../../src/protocol/ingest.ts';
import { changesAfter } from '../../../src/store/changeLog.ts';
import { Database } from '../../../src/store/database.ts';
import type { LeaderRecord } from '../../../src/store/leader.ts';
import { searchMessages } from '../../../src/store/search.ts';
import { verify } from '../../../src/store/verify.ts';
import { systemClock } from '../../../src/sync/clock.ts';
import { origin, useDatabases } from '../../support/database.ts';
import { contentsOf, ingestFile, lead, workspace } from './support.ts';

/** Made up, in pieces, so that nobody takes this file for a leak. */
const fake = (prefix: string, length: number) =>
  prefix + 'a1B2c3D4e5F6g7H8'.repeat(Math.ceil(length / 16)).slice(0, length);

const secrets: Record<string, string> = {
  'aws-access-key': `${fake('AKIA', 0)}IOSFODNN7EXAMPLE`,
  'github-token': fake('ghp_', 36),
  'anthropic-key': fake('sk-ant-', 40),
  'openai-key': fake('sk-proj-', 40),
  'google-api-key': fake('AIza', 35),
  'slack-token': fake('xoxb-', 30),
  'stripe-key': fake('sk_live_', 24),
  'npm-token': fake('npm_', 36),
  'gitlab-token': fake('glpat-', 20),
  'digitalocean-token': `dop_v1_${'0a1b2c3d'.repeat(8)}`,
  'shopify-token': `shpat_${'0a1b2c3d'.repeat(4)}`,
  'json-web-token': `${fake('eyJ', 20)}.${fake('eyJ', 40)}.${fake('', 30)}`,
  'private-key': `-----BEGIN RSA PRIVATE KEY-----\n${fake('', 64)}\n-----END RSA PRIVATE KEY-----`,
};

describe('secrets', () => {
  const databases = useDatabases();

  for (const [name, secret] of Object.entries(secrets)) {
    it(`of the kind ${name} are replaced wherever they stand`, () => {
      for (const [before, after] of [
        ['', ''],
        ['export KEY="', '"'],
        ['curl -H "X: ', '" \\'],
        ['{\\"k\\":\\"', '\\"}'],
      ]) {
        const { text, count } = redact(`${before}${secret}${after}`);
        assert.deepEqual([text.includes(secret.slice(-20)), count], [false, 1], text);
      }
    });
  }

  it('are known by their names where their form is not', () => {
    const value = fake('', 24);
    for (const text of [
      `DB_PASSWORD=${value}`,
      `"apiKey": "${value}"`,
      `token: ${value}`,
      `postgres://ada:${value}@host/db`,
    ]) {
      assert.equal(redact(text).text, text.replace(value, redact(text).text.match(/\[redacted:[a-z-]+\]/)?.[0] ?? '?'));
    }
  });

  it('are found where what points to one kind is part of what points to another', () => {
    const hexadecimal = '0a1b2c3d'.repeat(4);
    assert.equal(redact(`my-api-key-${hexadecimal}`).text, 'my-api-[redacted:mailgun-key]');
    assert.equal(redact(`sk-or-v1-${hexadecimal}`).text, '[redacted:openrouter-key]');
    assert.equal(redact(`sk-or-sk-proj-${hexadecimal}`).text, 'sk-or-[redacted:openai-key]');
  });

  it('are not seen in ordinary text and code', () => {
    for (const text of [
      'const token = getToken(request.headers);',
      'password: string; secretName: string',
      'The token count is 128000 and the secret is patience.',
      'commit 3f786850e387550fdab836ed7e6dc881de23001b',
      'https://example.com/a:b@c',
    ]) {
      assert.deepEqual(redact(text), { text, count: 0 });
    }
  });

  it('stay replaced when a text is looked through again', () => {
    const all = Object.values(secrets).join(' and ');
    const once = redact(all).text;
    assert.deepEqual(redact(once), { text: once, count: 0 });
    fc.assert(fc.property(fc.string(), (text) => redact(redact(text).text).count === 0));
  });

  const word = fc.constantFrom(
    'a',
    'token',
    'const x = 1;',
    '//',
    '=',
    ': ',
    '"',
    "'",
    '@',
    ' ',
    '\\"',
    'ada',
    ':',
    '.',
  );
  const tokens = Object.values(secrets).filter((secret) => !secret.includes('PRIVATE'));
  const known = fc.constantFrom(...tokens).map((secret) => `${secret};`);
  const assigned = fc
    .tuple(fc.constantFrom('password=', 'API_KEY: ', '"secret": "', 'Bearer ', '://ada:'), fc.constantFrom('', 'x1'))
    .map(([label, more]) => `${label}${fake('', 24)}${more}${label === '://ada:' ? '@host' : ''}`);
  const lineOf = fc.array(fc.oneof(word, known, assigned), { maxLength: 8 }).map((pieces) => pieces.join(''));

  it('stay replaced, whatever stands around and between them, and make no text much longer', () => {
    fc.assert(
      fc.property(lineOf, (line) => {
        const once = redact(line);
        assert.deepEqual(redact(once.text), { text: once.text, count: 0 });
        assert.ok(once.text.length <= line.length + 32 * once.count);
        assert.equal(once.count > 0, once.text !== line);
      }),
    );
  });

  it('are found in each line for itself, however many there are', () => {
    fc.assert(
      fc.property(fc.array(lineOf, { maxLength: 5 }), (lines) => {
        const { text, count } = redact(lines.join('\n'));
        const each = lines.map((line) => redact(line));
        assert.equal(text, each.map((one) => one.text).join('\n'));
        assert.equal(
          count,
          each.reduce((sum, one) => sum + one.count, 0),
        );
      }),
    );
  });

  it('are replaced where they stand, also when something before them says the same', () => {
    const value = fc.string({ unit: fc.constantFrom('a', 'b', '1', '2'), minLength: 3, maxLength: 20 });
    fc.assert(
      fc.property(value, fc.boolean(), (secret, isName) => {
        const user = isName ? secret : 'ada';
        const redacted = redact(`postgres://${user}:${secret}@host/db`).text;
        assert.equal(redacted, `postgres://${user}:[redacted:password-in-url]@host/db`);
      }),
    );
  });

  it('reach neither messages, parts, index, log nor quarantine', async () => {
    const db = await databases.open();
    const leader = await lead(db);
    const path = join(databases.directory.path, 'session.jsonl');
    const secret = fake('ghp_', 36);
    const base = { sessionId: 's', cwd: workspace, timestamp: '2026-03-01T10:00:00Z' };
    const use = { type: 'tool_use', id: 't', name: 'Bash', input: { env: { GH: secret }, password: fake('', 20) } };
    const records = [
      { ...base, type: 'user', uuid: 'u1', message: { content: `Use ${secret}` } },
      { ...base, type: 'assistant', uuid: 'u2', message: { id: 'm', content: [use, { type: 'text', text: secret }] } },
      { ...base, type: 'news', secret },
      { ...base, type: 'custom-title', customTitle: `About ${secret}` },
    ];
    writeFileSync(path, `${records.map((one) => JSON.stringify(one)).join('\n')}\n{"broken ${secret}\n`);
    await ingestFile(db, leader, path, 'claude-code');
    const contents = JSON.stringify(contentsOf(db));
    assert.equal(contents.includes(secret) || contents.includes(fake('', 20)), false, contents);
    assert.deepEqual(searchMessages(db, { query: secret, limit: 10 }).hits, []);
    assert.equal(contentsOf(db).counts[0] && (contentsOf(db).counts[0] as { redacted?: number }).redacted, 7);
  });

  it('do not stay in what is remembered of a file, and are counted once, however it is read', async () => {
    const secret = fake('ghp_', 36);
    const claude = { sessionId: 's', cwd: workspace, timestamp: '2026-03-01T10:00:00Z' };
    const event = (type: string, id: string, data: object) => ({ type, id, data, timestamp: '2026-03-01T10:00:00Z' });
    const transcripts: [Source, object[]][] = [
      [
        'claude-code',
        [
          { type: 'summary', summary: `About ${secret}`, leafUuid: 'u1' },
          { ...claude, type: 'user', uuid: 'u1', message: { content: 'Hello' } },
          { type: 'summary', summary: `More about ${secret}`, leafUuid: 'in another file' },
        ],
      ],
      [
        'copilot-cli',
        [
          event('session.start', 'e1', { sessionId: 's', context: { cwd: workspace } }),
          event('user.message', 'e2', { content: 'Hello' }),
          event('assistant.reasoning', 'e3', { content: `It may be ${secret}` }),
          event('assistant.message', 'e4', { content: 'Hello' }),
          event('assistant.reasoning', 'e5', { content: `It is ${secret}` }),
        ],
      ],
    ];
    for (const [source, records] of transcripts) {
      const all = [];
      for (const size of [records.length, 1]) {
        const directory = join(databases.directory.path, `${source}-${size}`);
        const db = await Database.open(join(directory, 'db', 'chat.db'), () => []);
        const leader = await lead(db);
        const path = join(directory, 'session.jsonl');
        writeFileSync(join(directory, 'workspace.yaml'), `name: The token ${secret}\n`);
        for (let from = 0; from < records.length; from += size) {
          appendFileSync(
            path,
            `${records
              .slice(from, from + size)
              .map((one) => JSON.stringify(one))
              .join('\n')}\n`,
          );
          await ingestFile(db, leader, path, source);
          assert.equal(JSON.stringify(contentsOf(db)).includes(secret), false);
        }
        all.push(contentsOf(db));
        await db.close();
      }
      assert.deepEqual(all[1], all[0]);
      assert.match(JSON.stringify(all[0]?.states), /It is \[redacted|More about \[redacted/);
    }
  });

  it('do not stay in part where a line that cannot be read is cut', async () => {
    const db = await databases.open();
    const leader = await lead(db);
    const path = join(databases.directory.path, 'session.jsonl');
    const known = JSON.stringify({
      type: 'user',
      uuid: 'u',
      sessionId: 's',
      cwd: workspace,
      message: { content: 'x' },
    });
    const inOneLine = Object.values(secrets).map((secret) => secret.replaceAll('\n', ' '));
    const atTheCut = inOneLine.flatMap((secret) =>
      [1, 12, secret.length - 1].map((shown) => `{${'- '.repeat(1000).slice(shown)}${secret};`),
    );
    // Without its secrets such a line is much shorter, and what lies far behind the cut comes before it.
    const webToken = [4, 2, 1].map((kilobytes) => fake('eyJ', kilobytes << 10)).join('.');
    const farBehind = Array.from({ length: 100 }, (_, index) => {
      const filler = ' '.repeat(9 * index);
      return `{${`${webToken} `.repeat(3)}${filler}${`${inOneLine.join('; ')}; `.repeat(10)}`;
    });
    const lines = [...atTheCut, ...farBehind];
    writeFileSync(path, [known, ...lines, ''].join('\n'));
    await ingestFile(db, leader, path, 'claude-code');
    const beginnings = db.sql('SELECT beginning FROM ingest_quarantine').pluck().all() as string[];
    assert.equal(beginnings.length, lines.length);
    for (const beginning of beginnings) assert.doesNotMatch(beginning, /a1B2c3D4|0a1b2c3d|IOSFODNN/);
  });

  it('that only newer rules know are replaced in what is stored, once', async () => {
    const db = await databases.open();
    const leader = await lead(db);
    const path = join(databases.directory.path, 'session.jsonl');
    const secret = fake('ghp_', 36);
    const content = [{ type: 'tool_use', id: 't', name: 'Bash', input: { command: `echo "${secret}"` } }];
    const record = { type: 'assistant', uuid: 'u', sessionId: 's', cwd: workspace, message: { id: 'm', content } };
    writeFileSync(path, `${JSON.stringify(record)}\n`);
    await ingestFile(db, leader, path, 'claude-code', { redact: false });
    assert.ok(JSON.stringify(contentsOf(db)).includes(secret));
    assert.deepEqual([await redactAll(db, leader), await redactAll(db, leader)], [2, 0]);
    const after = contentsOf(db);
    assert.equal(JSON.stringify(after).includes(secret), false);
    assert.deepEqual(searchMessages(db, { query: secret, limit: 10 }).hits, []);
    const changes = db.sql(`SELECT count(*) FROM change_log WHERE change_type = 'MessageUpdated'`).pluck().get();
    assert.equal(changes, 1);
  });

  it('that were stored while redaction was off are replaced when it is on again, wherever they are', async () => {
    const db = await databases.open();
    const leader = await lead(db);
    const ingest = async (name: string, redacts: boolean) => {
      const path = join(databases.directory.path, `${name}.jsonl`);
      const base = { sessionId: name, cwd: workspace, timestamp: '2026-03-01T10:00:00Z' };
      const use = { type: 'tool_use', id: name, name: 'Bash', input: { password: fake('', 20) } };
      const records = [
        { ...base, type: 'user', uuid: `${name}1`, message: { content: `Use ${secret}. ${'x'.repeat(1_000_000)}` } },
        { ...base, type: 'assistant', uuid: `${name}2`, message: { id: name, content: [use] } },
        { ...base, type: 'news', name, secret },
        { ...base, type: 'custom-title', customTitle: `First ${secret}` },
        { ...base, type: 'custom-title', customTitle: `Then ${secret}`, sessionId: `${name}, without messages` },
        { type: 'summary', summary: `About ${secret}`, leafUuid: 'in another file' },
      ];
      const lines = [...records.map((one) => JSON.stringify(one)), `{"broken ${secret}`, '{"broken'];
      for (const line of lines) {
        appendFileSync(path, `${line}\n`);
        await ingestFile(db, leader, path, 'claude-code', { redact: redacts });
      }
    };
    const secret = fake('ghp_', 36);
    const stored = () => [
      ...Object.values(contentsOf(db)),
      ...[...db.sql('SELECT * FROM ingest_sessions').all(), ...db.sql('SELECT * FROM change_log').all()],
      db.sql('SELECT CAST(content AS TEXT) FROM blobs').pluck().all(),
    ];
    const places = () => stored().filter((one) => /a1B2c3D4/.test(JSON.stringify(one))).length;
    await ingest('before', true);
    await redactAll(db, leader);
    assert.deepEqual([places(), await redactAll(db, leader)], [0, 0]);
    const before = db.sql('SELECT title, revision FROM conversations').get();
    await ingest('meanwhile', false);
    assert.ok(places() > 8);
    assert.notEqual(await redactAll(db, leader), 0);
    assert.equal(places(), 0);
    assert.deepEqual(db.sql('SELECT title, revision FROM conversations').get(), before);
    const titles = db.sql('SELECT title FROM conversations').pluck().all();
    assert.deepEqual(titles, ['First [redacted:github-token]', 'First [redacted:github-token]']);
    const changes = changesAfter(db, 0, 1000).changes.filter(
      ({ changeType }) => changeType === 'ConversationTitleUpdated',
    );
    assert.equal(changes.at(-1)?.newTitle, 'First [redacted:github-token]');
    assert.equal(await redactAll(db, leader), 0);
    assert.deepEqual((await verify(db, origin, false)).problems, []);
  });
});

function redactAll(db: Database, leader: LeaderRecord): Promise<number> {
  return redactStored(db, leader, { onCommitted: () => undefined, isStopped: () => false, clock: systemClock });
}
