import type { Change } from '../protocol/model.ts';

/**
 * The same changes, with messages that one instance added to one conversation, one after the other, as a single entry:
 * the newest of them, whose `firstSeq` says where the run begins.
 */
export function joinAddedRuns(changes: readonly Change[]): Change[] {
  const joined: Change[] = [];
  for (const change of changes) {
    const before = joined.at(-1);
    if (before && continues(before, change)) {
      joined[joined.length - 1] = { ...change, firstSeq: before.firstSeq ?? before.seq };
    } else joined.push(change);
  }
  return joined;
}

function continues(before: Change, change: Change): before is Change & { seq: number } {
  return (
    before.changeType === 'MessageAdded' &&
    change.changeType === 'MessageAdded' &&
    before.seq !== null &&
    change.seq === before.seq + 1 &&
    change.conversationId === before.conversationId &&
    change.originInstanceId === before.originInstanceId
  );
}
