import type { IngestCounts, IngestHealth } from './ingest.ts';

/** Events that are named one by one. */
const NAMED_EVENTS = 5;

/** How the reading of transcripts is doing, as names and values, in English; for the command line and for reports. */
export function ingestFacts(health: IngestHealth | null): [string, string][] {
  if (!health) return [['Transcripts', 'none are read']];
  const { filesWatched, filesKnown, filesWaiting, eventsPerMinute, meanProcessingMs } = health;
  const { unknown, quarantined, redacted } = health;
  const waiting = filesWaiting > 0 ? `, ${filesWaiting} waiting (${percentRead(health)} % of their bytes read)` : '';
  return [
    ['Transcripts', `${health.state}; ${filesKnown} files known, ${filesWatched} watched${waiting}`],
    ['Events', `${eventsPerMinute} in the last minute`],
    ...health.lastEvents.slice(0, NAMED_EVENTS).map(({ at, event, file }): [string, string] => {
      return ['Last event', `${new Date(at).toISOString()} ${event} ${file}`];
    }),
    ['Time per batch', `${meanProcessingMs.toFixed(1)} ms on average`],
    ...Object.entries(health.lag).map(([source, lag]): [string, string] => ['Lag', `${source} ${lag.toFixed(0)} ms`]),
    ['Not understood', `${unknown} records of unknown kinds kept as they are, ${quarantined} quarantined`],
    ['Secrets replaced', String(redacted)],
    ...health.degraded.map(({ text }): [string, string] => ['Degraded', text]),
  ];
}

/** What became of records, as a sum that adds up; in English. */
export function ingestSum({ found, stored, duplicates, quarantined }: IngestCounts): string {
  return `${found} found = ${stored} stored + ${duplicates} duplicates + ${quarantined} quarantined`;
}

/** How much of the files that wait is read, in whole per cent; 0 while nothing is known of them. */
export function percentRead({ progress: { done, total } }: IngestHealth): number {
  return total === 0 ? 0 : Math.floor((100 * done) / total);
}
