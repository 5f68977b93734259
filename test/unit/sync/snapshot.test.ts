import assert from 'node:assert/strict';
import { join } from 'node:path';
import fc from 'fast-check';
import { type Fact, titleRank } from '../../../src/ingest/adapter.ts';
import { DevChatError } from '../../../src/protocol/errors.ts';
import { changeHead } from '../../../src/store/changeLog.ts';
import { Database } from '../../../src/store/database.ts';
import { ModelHub } from '../../simulation/hub/hub.ts';
import { FeedReader } from '../../support/feedReader.ts';
import { mutations, SECRET, type Step, unlogged, type World } from '../../support/mutations.ts';
import { useTempDirectory } from '../../support/tempDirectory.ts';
import { lead } from '../ingest/support.ts';
import { runs } from '../properties.ts';

const all = { ...Object.assign({}, ...Object.values(mutations)), ...unlogged } as typeof unlogged;

const sessions = fc.constantFrom('one', 'two');
const keys = fc.constantFrom('a', 'b', 'c', 'd');
const time = fc.integer({ min: 1, max: 9 });
const model = fc.constantFrom('small', 'large');
const text = fc.constantFrom('yes', 'no', `token ${SECRET}`);

const part = fc.oneof(
  fc.record({ type: fc.constant('text' as const), text }),
  fc.record({
    type: fc.constant('tool-call' as const),
    id: keys,
    name: fc.constant('read'),
    input: fc.record({ text }),
  }),
  fc.record({ type: fc.constant('tool-result' as const), id: keys, output: text }),
);

/** What records of transcripts say: few names, so that sessions share messages, and records add to them. */
const fact: fc.Arbitrary<Fact> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record(
      {
        ...{ kind: fc.constant('message' as const), session: sessions, key: keys, time, model },
        ...{ piece: fc.constantFrom('1', '2', '3'), role: fc.constantFrom('user', 'assistant', 'tool') },
        ...{ parts: fc.array(part, { minLength: 1, maxLength: 2 }), branch: fc.constantFrom('main', 'topic') },
        ...{ status: fc.constantFrom('complete', 'error'), merge: fc.constantFrom('append', 'replace') },
      },
      { requiredKeys: ['kind', 'session', 'key', 'time', 'role', 'parts'] },
    ),
  },
  fc.record({
    ...{ kind: fc.constant('title' as const), session: sessions, title: text },
    rank: fc.constantFrom(...Object.values(titleRank)),
  }),
  fc.record({
    ...{ kind: fc.constant('usage' as const), session: sessions, key: keys, message: keys, time, model },
    usage: fc.record({
      ...{ input: fc.nat(9), output: fc.nat(9), cacheRead: fc.nat(9), cacheWrite: fc.nat(9), reasoning: fc.nat(9) },
    }),
  }),
);

const step = fc.record({
  what: fc.constantFrom(...Object.keys(all)),
  which: fc.nat({ max: 11 }),
  number: fc.nat({ max: 99 }),
  facts: fc.array(fact, { minLength: 1, maxLength: 4 }),
  /** What the reader does afterwards. */
  reads: fc.constantFrom('nothing', 'page', 'all'),
});

/** What a record of a transcript adds to a message. */
const piece = (name: string, said: string, key = 'a'): Fact => ({
  ...{ kind: 'message', session: 'one', key, piece: name, role: 'user', time: 1 },
  parts: [{ type: 'text', text: said }],
});
const named: Fact = { kind: 'title', session: 'one', rank: titleRank.chosen, title: `named ${SECRET}` };

const at = (what: string, number = 0, ...facts: Fact[]) => ({ what, which: 0, number, facts, reads: 'all' as const });
const each = (names: string) => names.split(' ').map((what) => at(what));

/** A history in which every mutation does what it is there for, whatever else is tried. */
const tour = [
  ...each('create add share exchange exchange addElsewhere updateElsewhere removeMessageElsewhere renameElsewhere'),
  ...each('removeElsewhere restoreElsewhere unshare createElsewhere'),
  ...each('create branch remove restore rename pin archive tag'),
  ...[at('add', 1), ...each('read addVersion update begin'), at('checkpoint', 4)],
  ...[...each('end begin abandon'), at('begin', 1), at('interrupt', 1), ...each('begin repairStream')],
  ...each('removeMessage repairNumbers purge remove expire prune'),
  ...[at('transcript', 1, piece('1', `token ${SECRET}`)), at('transcript', 1, piece('2', 'and so on'), named)],
  ...[at('rescan'), at('retention', 9), at('restore')],
  // Messages that wait for numbers of the hub move, and get their own.
  ...[...each('share add begin'), at('transcript', 1, piece('1', 'more', 'b')), ...each('interrupt unshare')],
];

describe('snapshot and changes', () => {
  const directory = useTempDirectory();
  let run = 0;

  async function openBoth(): Promise<[Database, Database]> {
    const path = join(directory.path, `${++run}`, 'chat.db');
    return [await Database.open(path, () => []), await Database.open(path, () => [])];
  }

  it('come to what is loaded afresh, for every kind of mutation', async () => {
    const seen = new Set<string>();
    let reloads = 0;
    /** Mutates, and notes what the log says of it. */
    const mutate = async (world: World, what: string, one: Step) => {
      const before = changeHead(world.db);
      // What is in the bin, or nowhere, refuses most changes.
      await all[what]?.(world, one).catch((error: unknown) => assert.ok(error instanceof DevChatError, String(error)));
      const types = world.db.sql('SELECT DISTINCT change_type FROM change_log WHERE id > ?').pluck().all(before);
      for (const type of types) seen.add(`${type} by ${what}`);
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 120, size: 'max' }),
        fc.nat({ max: 20 }),
        fc.integer({ min: 1, max: 30 }),
        async (steps, snapshotAt, limit) => {
          const [db, sibling] = await openBoth();
          try {
            const world: World = { db, leader: await lead(db), hub: new ModelHub('epoch', () => 0), cursor: 0 };
            let reader: FeedReader | undefined;
            for (const [index, { what, reads, ...one }] of steps.entries()) {
              if (index === snapshotAt) reader = new FeedReader(sibling, limit);
              await mutate(world, what, one);
              if (reads === 'page') reader?.readPage();
              if (reads === 'all') reader?.assertUpToDate();
            }
            reader?.assertUpToDate();
            reloads += reader?.reloads ?? 0;
          } finally {
            await sibling.close();
            await db.close();
          }
        },
      ),
      // Each run makes a database.
      { ...runs(25), examples: [[tour, 0, 1]] },
    );
    for (const [type, makers] of Object.entries(mutations)) {
      assert.ok(Object.keys(makers).length > 0, `nothing makes ${type}`);
      for (const what of Object.keys(makers)) assert.ok(seen.has(`${type} by ${what}`), `no ${type} by ${what}`);
    }
    assert.ok(reloads > 0);
  }).timeout(300_000);
});
