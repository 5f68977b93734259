import assert from 'node:assert/strict';
import fc from 'fast-check';
import { joinAddedRuns } from '../../../src/instance/addedRuns.ts';
import type { Change } from '../../../src/protocol/model.ts';

/** Few different values, so that many changes follow one another. */
const change = fc.record({
  changeType: fc.constantFrom('MessageAdded', 'MessageAdded', 'MessageUpdated', 'ConversationUpdated'),
  conversationId: fc.constantFrom('one', 'one', 'two'),
  originInstanceId: fc.constantFrom('here', 'here', 'there'),
  isPending: fc.boolean(),
  step: fc.constantFrom(1, 1, 1, 0, 2, -1),
});

/** A log of such changes. */
const log = fc.array(change, { maxLength: 60 }).map((drawn): Change[] => {
  let newest = 10;
  return drawn.map(({ isPending, step, ...rest }, id) => {
    newest += step;
    const seq = isPending && step === 2 ? null : newest;
    return { ...rest, id, messageId: `message ${id}`, seq, newTitle: null };
  });
});

/** What a log says of each number, without the ids of messages, which a run does not tell. */
function told(changes: readonly Change[]): unknown[] {
  return changes.flatMap(({ id: _, messageId: __, firstSeq, seq, ...rest }) => {
    if (seq === null || firstSeq === undefined) return [{ ...rest, seq }];
    return Array.from({ length: seq - firstSeq + 1 }, (___, index) => ({ ...rest, seq: firstSeq + index }));
  });
}

describe('runs of added messages', () => {
  it('say of every number what the single changes say, in the same order', () => {
    fc.assert(
      fc.property(log, (changes) => {
        assert.deepEqual(told(joinAddedRuns(changes)), told(changes));
      }),
    );
  });

  it('leave no two entries that could be one, and what stands alone as it is', () => {
    fc.assert(
      fc.property(log, (changes) => {
        const joined = joinAddedRuns(changes);
        const sayings = joined.map(({ changeType, conversationId, originInstanceId, seq }) =>
          seq !== null && changeType === 'MessageAdded' ? [conversationId, originInstanceId, seq] : null,
        );
        for (const [index, { conversationId, originInstanceId, firstSeq, seq, changeType }] of joined
          .slice(1)
          .entries()) {
          if (changeType !== 'MessageAdded' || seq === null) continue;
          assert.notDeepEqual(sayings[index], [conversationId, originInstanceId, (firstSeq ?? seq) - 1]);
        }
        for (const one of joined) if (one.firstSeq === undefined) assert.equal(one, changes[one.id]);
      }),
    );
  });

  it('are one entry however long', () => {
    const [first, ...others] = Array.from({ length: 1000 }, (_, index): Change => {
      const ids = { id: index + 1, conversationId: 'one', messageId: `message ${index}`, originInstanceId: 'here' };
      return { ...ids, changeType: 'MessageAdded', seq: index + 1, newTitle: null };
    });
    assert.ok(first);
    assert.deepEqual(joinAddedRuns([first, ...others]), [{ ...others.at(-1), firstSeq: 1 }]);
  });
});
