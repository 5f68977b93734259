import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Find } from '../../../src/views/webview/find.ts';
import { settled } from './messages.ts';

/** A search in a conversation of which the test knows the messages. */
function setUp(place: number | null = null) {
  const hits: Record<string, number[]> = { lock: [3, 7, 20], read: [5] };
  const gates = new Map<string, Promise<void>>();
  const visited: number[] = [];
  const problems: unknown[] = [];
  const find = new Find({
    search: async (_, query) => {
      await gates.get(query);
      const seqs = hits[query];
      if (!seqs) throw new Error(`no ${query}`);
      return { seqs, total: seqs.length };
    },
    place: () => place,
    goTo: (_, seq) => visited.push(seq),
    report: (error) => problems.push(error),
  });
  const ask = async (query: string) => {
    find.isOpen.value = true;
    find.query.value = query;
    await find.search('one');
  };
  const state = () => [find.position.value, find.total.value, find.current.value];
  return { find, hits, gates, visited, problems, ask, state };
}

describe('the search within a conversation', () => {
  it('begins with the first hit that the reader has before him, at the end with the last', async () => {
    const [at, end, past] = [setUp(7), setUp(null), setUp(21)];
    for (const { ask } of [at, end, past]) await ask('lock');
    assert.deepEqual(
      [at.state(), end.state(), past.state()],
      [
        [2, 3, 7],
        [3, 3, 20],
        [3, 3, 20],
      ],
    );
  });

  it('goes from hit to hit, and behind the last comes the first', async () => {
    const { ask, find, visited } = setUp(3);
    await ask('lock');
    for (const by of [1, 1, 1, -1] as const) find.step(by);
    assert.deepEqual(visited, [3, 7, 20, 3, 20]);
  });

  it('counts what comes later, and leaves the reader where he is', async () => {
    const { ask, hits, state, visited } = setUp(3);
    await ask('lock');
    hits['lock'] = [1, 3, 7, 20];
    await ask('lock');
    assert.deepEqual([state(), visited], [[2, 4, 3], [3]]);
  });

  it('does not let a slow answer replace a newer one', async () => {
    const { ask, gates, state, visited } = setUp();
    const { promise, resolve } = Promise.withResolvers<void>();
    gates.set('lock', promise);
    const slow = ask('lock');
    await ask('read');
    resolve();
    await slow;
    assert.deepEqual([state(), visited], [[1, 1, 5], [5]]);
  });

  it('highlights nothing any more when it is closed, and begins anew when it is opened again', async () => {
    const { ask, find, visited } = setUp(7);
    await ask('lock');
    assert.deepEqual(find.words.value, ['lock']);
    find.close();
    assert.deepEqual([find.words.value, find.current.value], [[], null]);
    await ask('lock');
    assert.deepEqual(visited, [7, 7]);
  });

  it('says why it failed, and finds nothing for no words', async () => {
    const { ask, find, problems, state } = setUp();
    await ask('unknown');
    await settled();
    assert.equal(String(problems[0]), 'Error: no unknown');
    await ask('lock');
    await ask('  ');
    find.step(1);
    assert.deepEqual(state(), [0, 0, null]);
  });

  it('visits every hit once before it comes back to the first, in either direction', async () => {
    const seqs = fc.uniqueArray(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 });
    const places = fc.option(fc.integer({ min: 1, max: 60 }));
    await fc.assert(
      fc.asyncProperty(seqs, places, fc.constantFrom<(1 | -1)[]>(1, -1), async (all, place, by) => {
        const { ask, find, hits, visited } = setUp(place);
        const sorted = all.toSorted((a, b) => a - b);
        hits['word'] = sorted;
        await ask('word');
        const [start = 0] = visited;
        assert.equal(start, sorted.find((seq) => place !== null && seq >= place) ?? sorted.at(-1));
        for (const _ of all) find.step(by);
        assert.deepEqual([visited.length, visited.at(-1)], [all.length + 1, start]);
        assert.deepEqual(new Set(visited), new Set(all));
        find.step(by === 1 ? -1 : 1);
        assert.equal(find.current.value, visited[all.length - 1]);
      }),
    );
  });
});
