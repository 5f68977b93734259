import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Conversation } from '../../../src/protocol/model.ts';
import {
  filterConversations,
  groupConversations,
  type Listing,
  monthOf,
  nestSubagents,
  nextMidnight,
  outdatedElements,
} from '../../../src/views/conversationGroups.ts';

function conversation(id: string, changes: Partial<Conversation> = {}): Conversation {
  return {
    id,
    title: id,
    source: 'chat',
    externalId: null,
    lastSeq: 1,
    lastReadSeq: 1,
    unread: 0,
    pinnedAt: null,
    archivedAt: null,
    tags: [],
    parentId: null,
    branchedFrom: null,
    revision: 1,
    createdAt: 0,
    updatedAt: 0,
    deletedAt: null,
    purgedAt: null,
    origin: null,
    ...changes,
  };
}

/** Groups of conversations that were changed at these local times, seen at another one. */
function groupsAt(now: string, ...times: string[]): string[][] {
  const all = times.map((time) => conversation(time, { updatedAt: new Date(time).getTime() }));
  return groupConversations(all, 'time', new Date(now).getTime()).map(({ key, ids }) => [key, ...ids]);
}

function inZone(zone: string, run: () => void): void {
  const before = process.env['TZ'];
  process.env['TZ'] = zone;
  try {
    run();
  } finally {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  }
}

describe('groups of conversations', () => {
  it('begin at midnight of the calendar', () => {
    const times = ['2026-03-12T00:00:00', '2026-03-11T23:59:59', '2026-03-10T12:00:00', '2026-03-05T00:00:00'];
    const older = ['2026-03-04T23:59:59', '2026-02-28T10:00:00', '2025-03-31T10:00:00'];
    assert.deepEqual(groupsAt('2026-03-12T00:00:01', ...times, ...older), [
      ['today', '2026-03-12T00:00:00'],
      ['yesterday', '2026-03-11T23:59:59'],
      ['lastWeek', '2026-03-10T12:00:00', '2026-03-05T00:00:00'],
      ['month:2026-03', '2026-03-04T23:59:59'],
      ['month:2026-02', '2026-02-28T10:00:00'],
      ['month:2025-03', '2025-03-31T10:00:00'],
    ]);
    assert.deepEqual(groupsAt('2026-03-11T23:59:59', '2026-03-12T08:00:00'), [['today', '2026-03-12T08:00:00']]);
  });

  it('follow the time zone, and days that are not 24 hours long', () => {
    const moment = Date.UTC(2026, 2, 29, 22, 30);
    const all = [conversation('one', { updatedAt: moment })];
    const keyAt = (now: number) => groupConversations(all, 'time', now)[0]?.key;
    inZone('UTC', () => assert.equal(keyAt(Date.UTC(2026, 2, 29, 23)), 'today'));
    inZone('Asia/Tokyo', () => assert.equal(keyAt(Date.UTC(2026, 2, 30, 15)), 'yesterday'));
    inZone('Europe/Berlin', () => {
      // Clocks go forward on this day, which has 23 hours.
      const noon = new Date(2026, 2, 29, 12).getTime();
      assert.equal(nextMidnight(noon), new Date(2026, 2, 30).getTime());
      assert.equal(nextMidnight(noon) - new Date(2026, 2, 29).getTime(), 23 * 3_600_000);
      assert.equal(groupsAt('2026-03-30T00:00:00', '2026-03-29T00:00:00')[0]?.[0], 'yesterday');
    });
  });

  it('put pinned ones first and archived ones last, and an archived one only there', () => {
    const all = [
      conversation('old', { archivedAt: 1, pinnedAt: 1 }),
      conversation('agent', { source: 'codex' }),
      conversation('pinned', { pinnedAt: 2 }),
      conversation('own'),
    ];
    assert.deepEqual(
      groupConversations(all, 'source', 0).map(({ key, ids }) => [key, ...ids]),
      [
        ['pinned', 'pinned'],
        ['source:codex', 'agent'],
        ['source:chat', 'own'],
        ['archived', 'old'],
      ],
    );
  });

  it('show subagents below the session that has started them, where that is listed', () => {
    const session = (id: string, externalId: string, changes = {}) =>
      conversation(id, { source: 'x', externalId, ...changes });
    const all = [
      session('b', 's/2'),
      session('a', 's/1'),
      session('parent', 's'),
      session('deep', 's/1/3'),
      session('pinned', 's/4', { pinnedAt: 1 }),
      session('orphan', 't/1'),
      conversation('other', { source: 'y', externalId: 's/5' }),
    ];
    const { top, below } = nestSubagents(all);
    assert.deepEqual(
      top.map(({ id }) => id),
      ['parent', 'pinned', 'orphan', 'other'],
    );
    assert.deepEqual([below.get('parent'), below.get('a')], [['a', 'b'], ['deep']]);
  });

  const moment = fc.integer({ min: 0, max: Date.UTC(2100, 0) });
  const zones = fc.constantFrom('UTC', 'Asia/Tokyo', 'America/St_Johns', 'Europe/Berlin', 'Pacific/Apia');
  const anyList = fc
    .array(
      fc.record({
        updatedAt: fc.oneof(
          moment,
          fc.integer({ min: 0, max: 40 * 86_400_000 }).map((ago) => Date.UTC(2026, 2, 30) - ago),
        ),
        source: fc.constantFrom('chat', 'codex'),
        pinnedAt: fc.constantFrom(null, 1),
        archivedAt: fc.constantFrom(null, null, 1),
      }),
      { maxLength: 12 },
    )
    .map((all) => all.map((changes, index) => conversation(`${index}`, changes)));

  it('hold every conversation once, in the order of the list, pinned first and archived last', () => {
    fc.assert(
      fc.property(anyList, fc.constantFrom('time', 'source'), moment, (all, grouping, now) => {
        const groups = groupConversations(all, grouping, now);
        assert.deepEqual(groups.flatMap(({ ids }) => ids).sort(), all.map(({ id }) => id).sort());
        for (const { ids } of groups)
          assert.deepEqual(
            ids,
            all.filter(({ id }) => ids.includes(id)).map(({ id }) => id),
          );
        const keys = groups.map(({ key }) => key);
        assert.equal(new Set(keys).size, keys.length);
        assert.ok(keys.lastIndexOf('pinned') <= 0 && [-1, keys.length - 1].includes(keys.indexOf('archived')));
      }),
    );
  });

  it('go back in time from one to the next, each within its own days, in every time zone', () => {
    const now = Date.UTC(2026, 2, 30);
    fc.assert(
      fc.property(anyList, zones, fc.nat({ max: 86_400_000 }), (all, zone, later) => {
        const newestFirst = all.toSorted((a, b) => b.updatedAt - a.updatedAt);
        const times = new Map(all.map(({ id, updatedAt }) => [id, updatedAt]));
        inZone(zone, () => {
          const listed = newestFirst.filter(({ pinnedAt, archivedAt }) => pinnedAt === null && archivedAt === null);
          const groups = groupConversations(listed, 'time', now + later);
          assert.deepEqual(
            groups.flatMap(({ ids }) => ids),
            listed.map(({ id }) => id),
          );
          for (const { key, ids } of groups) {
            const [oldest, newest] = [times.get(ids.at(-1) ?? '') ?? 0, times.get(ids[0] ?? '') ?? 0];
            const month = monthOf(key);
            const begin = month ?? (key === 'today' ? nextMidnight(now + later) - 25 * 3_600_000 : 0);
            const end = month === undefined ? Number.POSITIVE_INFINITY : month + 31 * 86_400_000 + 3_600_000;
            assert.ok(begin <= oldest && newest < end, key);
          }
        });
      }),
    );
  });

  it('name their month', () => {
    assert.equal(monthOf('month:2026-03'), new Date(2026, 2).getTime());
    assert.deepEqual([monthOf('today'), monthOf('source:month')], [undefined, undefined]);
  });

  it('leave out what a filter does, tags in any case', () => {
    const all = [conversation('a', { tags: ['Slow'] }), conversation('b', { source: 'codex', tags: ['slow'] })];
    const ids = (filter: Parameters<typeof filterConversations>[1]) =>
      filterConversations(all, filter).map(({ id }) => id);
    assert.deepEqual([ids({}), ids({ tag: 'SLOW' }), ids({ source: 'codex' })], [['a', 'b'], ['a', 'b'], ['b']]);
  });
});

describe('what of the list is drawn anew', () => {
  const listing = (conversations: Conversation[], windows: Record<string, number> = {}): Listing => {
    const { top, below } = nestSubagents(conversations);
    const rows = conversations.map(
      (one) =>
        [one.id, { conversation: one, windows: windows[one.id] ?? 0, subagents: below.get(one.id) ?? [] }] as const,
    );
    return { groups: groupConversations(top, 'source', 0), rows: new Map(rows) };
  };
  const [a, b, c] = [conversation('a'), conversation('b'), conversation('c', { source: 'codex' })];

  it('is nothing when nothing changed, and a row when only that did', () => {
    const before = listing([a, b, c]);
    assert.deepEqual(outdatedElements(before, listing([a, b, c])), []);
    assert.deepEqual(outdatedElements(before, listing([a, { ...b, unread: 1 }, c])), ['b']);
    // What is written into it changes nothing that is seen, but the time of its last activity.
    const grown = { ...b, revision: 2, updatedAt: 59_999 };
    assert.deepEqual(outdatedElements(before, listing([a, grown, c])), []);
    assert.deepEqual(outdatedElements(before, listing([a, { ...grown, updatedAt: 60_000 }, c])), ['b']);
    assert.deepEqual(outdatedElements(before, listing([a, b, c], { c: 2 })), ['c']);
  });

  it('is a group when its order changed, and all when a row left its group', () => {
    const before = listing([a, b, c]);
    assert.deepEqual(outdatedElements(before, listing([b, a, { ...c, title: 'C' }])), ['source:chat', 'c']);
    assert.equal(outdatedElements(before, listing([a, { ...b, pinnedAt: 1 }, c])), undefined);
    assert.equal(outdatedElements(before, listing([a, c])), undefined);
  });

  it('is the row of a session when a subagent was added below it, and all when one comes to stand by itself', () => {
    const [parent, child] = [conversation('p', { externalId: 's' }), conversation('q', { externalId: 's/1' })];
    const [without, nested] = [listing([parent, c]), listing([parent, child, c])];
    assert.deepEqual(outdatedElements(without, nested), ['p', 'q']);
    assert.equal(outdatedElements(nested, listing([child, c])), undefined);
  });

  it('leads from any list to any other', () => {
    const arbitrary = fc
      .uniqueArray(
        fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd', 'e'), source: fc.constantFrom('chat', 'codex') }),
        {
          selector: ({ id }) => id,
        },
      )
      .map((all) => listing(all.map(({ id, source }) => conversation(id, { source }))));
    fc.assert(
      fc.property(arbitrary, arbitrary, (before, after) => {
        const outdated = outdatedElements(before, after);
        if (outdated === undefined) return;
        const shown = before.groups.map((group, index) => (outdated.includes(group.key) ? after.groups[index] : group));
        assert.deepEqual(shown, after.groups);
      }),
    );
  });

  it('is found quickly among 10,000', () => {
    const all = Array.from({ length: 10_000 }, (_, index) => conversation(`${index}`, { updatedAt: -index * 1e6 }));
    const before = listing(all);
    const started = performance.now();
    const changed = all.map((one) => (one.id === '5000' ? { ...one, unread: 1 } : one));
    assert.deepEqual(outdatedElements(before, listing(changed)), ['5000']);
    process.stdout.write(`      one row among 10,000: ${(performance.now() - started).toFixed(1)} ms\n`);
  });
});
