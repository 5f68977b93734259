import assert from 'node:assert/strict';
import { ListChoice } from '../../../src/views/listChoice.ts';

describe('the choice of what is listed', () => {
  it('remembers the grouping, and forgets the filter', async () => {
    const kept = new Map<string, unknown>();
    const memory = {
      get: (key: string) => kept.get(key),
      update: async (key: string, value: unknown) => void kept.set(key, value),
    };
    const choice = new ListChoice(memory);
    const told: unknown[] = [];
    choice.events.on('changed', () => told.push([choice.grouping, choice.filter]));
    await choice.groupBy('source');
    choice.filterBy({ tag: 'slow' });
    assert.deepEqual(told, [
      ['source', {}],
      ['source', { tag: 'slow' }],
    ]);
    const later = new ListChoice(memory);
    assert.deepEqual([later.grouping, later.filter], ['source', {}]);
    kept.set([...kept.keys()][0] ?? '', 'from a newer version');
    assert.equal(new ListChoice(memory).grouping, 'time');
  });
});
