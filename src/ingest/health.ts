import type { Degradation, IngestHealth, Source } from '../protocol/ingest.ts';

const MINUTE = 60_000;

/** Events that are told, and durations that are averaged. */
const KEPT_EVENTS = 20;
const KEPT_DURATIONS = 100;

/** What ingestion has gone through lately; times are Unix ms. */
export class Activity {
  readonly #now: () => number;
  readonly #degraded = new Map<Degradation['mode'], string>();
  readonly #lag: Partial<Record<Source, number>> = {};
  #events: IngestHealth['lastEvents'] = [];
  readonly #times: number[] = [];
  #durations: number[] = [];
  #lastCommit = Number.NEGATIVE_INFINITY;

  constructor(now: () => number) {
    this.#now = now;
  }

  event(file: string, event: string): void {
    const at = this.#now();
    this.#events = [{ file, event, at }, ...this.#events.slice(0, KEPT_EVENTS - 1)];
    while ((this.#times[0] ?? at) <= at - MINUTE) this.#times.shift();
    this.#times.push(at);
  }

  /** @param lag time since the change that was read, in ms; left out for one from before */
  committed(source: Source, durationMs: number, lag: number | undefined): void {
    this.#lastCommit = this.#now();
    this.#durations = [durationMs, ...this.#durations.slice(0, KEPT_DURATIONS - 1)];
    if (lag !== undefined) this.#lag[source] = Math.max(0, lag);
  }

  /** @returns whether that is news */
  degrade(mode: Degradation['mode'], text: string): boolean {
    const isNews = this.#degraded.get(mode) !== text;
    this.#degraded.set(mode, text);
    return isNews;
  }

  /** @returns whether it was degraded */
  recover(mode: Degradation['mode']): boolean {
    return this.#degraded.delete(mode);
  }

  summary() {
    const now = this.#now();
    return {
      isActive: now - this.#lastCommit < MINUTE,
      lastEvents: this.#events,
      eventsPerMinute: this.#times.filter((time) => time > now - MINUTE).length,
      meanProcessingMs: mean(this.#durations),
      lag: { ...this.#lag },
      degraded: [...this.#degraded].map(([mode, text]) => ({ mode, text })),
    };
  }
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
