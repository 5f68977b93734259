import type { Event } from '../history/event.ts';

/** Epochs: each belongs to one leader, and for no client does it fall. */
export function epochsRise(history: readonly Event[]): string[] {
  const leaders = new Map<string, string>();
  const newest = new Map<string, number>();
  return history
    .filter(({ op }) => op === 'leader')
    .flatMap(({ proc, database, epoch = 0, instance = '' }) => {
      const rival = leaders.get(`${database} ${epoch}`) ?? instance;
      const before = newest.get(`${database} ${proc}`) ?? 0;
      leaders.set(`${database} ${epoch}`, rival);
      newest.set(`${database} ${proc}`, epoch);
      return [
        ...(rival === instance ? [] : [`epoch ${epoch} belongs to ${rival} and to ${instance}`]),
        ...(epoch < before ? [`${proc} saw epoch ${epoch} after ${before}`] : []),
      ];
    });
}
