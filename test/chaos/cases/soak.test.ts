import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../../support/random.ts';
import { acknowledgements } from '../check/writes.ts';
import { Fleet } from '../fleet/fleet.ts';
import { chatter, type Topics } from '../fleet/traffic.ts';
import type { Holdings } from '../history/event.ts';
import { plan, report, size } from '../plan.ts';

const MINUTE = 60_000;
const MEGABYTE = 2 ** 20;

const WINDOWS = 8;

/** How long they work, in ms, and how much of that it takes until memory is what the work needs. */
const DURATION = size(3 * MINUTE, 480 * MINUTE);
const WARM_UP = DURATION / 3;

/** How often a process is looked at, in ms. */
const INTERVAL = size(5000, MINUTE);

/** Longest pause of a window between two requests of one of its three threads of work, in ms. */
const PAUSE = size(2000, 20_000);

/**
 * Most memory that a process may gain, in bytes per hour. In two minutes, the page cache that follows the growing
 * database looks like 20 MB per hour.
 */
const GROWTH = size(60, 1) * MEGABYTE;

/** Most descriptors, timers and listeners that come and go with streams, backups, and links that are dialled anew. */
const COMING_AND_GOING = 8;

/** Largest write-ahead log, in bytes: SQLite begins anew at 4 MB when nobody reads. */
const LOG = 16 * MEGABYTE;

/** What a process held, and when, in ms. */
type Sample = Holdings & { at: number };

/** How much a kind of thing grows per ms, by least squares. */
function slope(samples: readonly Sample[], kind: keyof Holdings): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [middle, level] = [mean(samples.map(({ at }) => at)), mean(samples.map((sample) => sample[kind]))];
  const products = samples.map((sample) => (sample.at - middle) * (sample[kind] - level));
  const squares = samples.map(({ at }) => (at - middle) ** 2);
  return mean(products) / mean(squares);
}

/** Difference of the most and the least that was held. */
function range(samples: readonly Sample[], kind: keyof Holdings): number {
  const values = samples.map((sample) => sample[kind]);
  return Math.max(...values) - Math.min(...values);
}

describe('a soak', () => {
  it('of eight windows leaves memory, descriptors, timers, listeners and log as they are', async () => {
    const random = new Random(plan.seed, 'soak');
    const fleet = new Fleet();
    const windows = await fleet.startAll(WINDOWS);
    const topics: Topics = { conversations: [], messages: [] };
    const begun = performance.now();
    const isOver = () => performance.now() - begun > DURATION;
    const talks = windows.map((window) => chatter(window, topics, random, isOver, PAUSE));
    await delay(WARM_UP);
    const samples = windows.map((): Sample[] => []);
    let log = 0;
    while (!isOver()) {
      for (const [index, window] of windows.entries()) {
        samples[index]?.push({ at: performance.now(), ...(await window.holdings()) });
      }
      log = Math.max(log, statSync(`${fleet.databasePath}-wal`).size);
      await delay(INTERVAL);
    }
    await Promise.all(talks);
    await fleet.conclude();
    const growth = samples.map((held) => slope(held, 'memory') * 60 * MINUTE);
    const spread = (kind: keyof Holdings) => Math.max(...samples.map((held) => range(held, kind)));
    report(
      `${acknowledgements(fleet.recorder.history)} writes acknowledged; log at most ${(log / MEGABYTE).toFixed(1)} MB`,
    );
    report(`memory, MB per hour: ${growth.map((bytes) => (bytes / MEGABYTE).toFixed(1)).join(', ')}`);
    report(
      `coming and going: ${spread('descriptors')} descriptors, ${spread('timers')} timers, ${spread('listeners')} listeners`,
    );
    assert.ok(Math.max(...growth) < GROWTH, 'memory grows');
    for (const kind of ['descriptors', 'timers', 'listeners'] as const)
      assert.ok(spread(kind) <= COMING_AND_GOING, kind);
    assert.ok(log <= LOG, 'the log grows');
  });
});
