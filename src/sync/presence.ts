import type { Viewers } from '../protocol/rpc.ts';

/**
 * How many windows see each conversation, ordered by its id.
 * @param seen the conversation that each window sees
 */
export function countViewers(seen: readonly string[]): Viewers[] {
  return [...Map.groupBy(seen, (conversationId) => conversationId)]
    .map(([conversationId, windows]) => ({ conversationId, windows: windows.length }))
    .sort((a, b) => (a.conversationId < b.conversationId ? -1 : 1));
}

/** Whether two counts are the same. */
export function sameViewers(a: readonly Viewers[], b: readonly Viewers[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
