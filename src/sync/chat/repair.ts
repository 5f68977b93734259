import { countSeqs, type SeqRange } from '../sequence.ts';

/** Numbers asked for in one request. */
const BATCH = 500;

/** Rounds in a row that may bring nothing, beside the first. */
const RETRIES = 4;

const FIRST_DELAY = 1000;
const LONGEST_DELAY = 30_000;

/** What a repair works on. */
export interface RepairJob {
  /** What of the wanted numbers is missing at this moment, ascending. */
  missing(): readonly SeqRange[];
  /** Asks for a range and stores what comes. */
  fetch(range: SeqRange): Promise<void>;
  /** Resolves after so many ms, or when the signal aborts. */
  wait(delay: number): Promise<void>;
  signal: AbortSignal;
}

/**
 * Fetches what is missing in rounds, until nothing is, or nothing has come for several rounds, with longer and longer
 * pauses between them. What is missing is looked up before each request, as an answer may be partial and messages
 * arrive by themselves as well.
 * @throws what the last request failed with, when several rounds in a row brought nothing
 */
export async function repair(job: RepairJob): Promise<void> {
  for (let fruitless = 0; ; ) {
    const before = countSeqs(job.missing());
    if (before === 0) return;
    const failures: unknown[] = [];
    await fetchRound(job).catch((error: unknown) => failures.push(error));
    if (job.signal.aborted) return;
    fruitless = countSeqs(job.missing()) < before ? 0 : fruitless + 1;
    if (fruitless > RETRIES && failures.length > 0) throw failures[0];
    if (fruitless > RETRIES) return;
    if (fruitless > 0) await job.wait(backOff(fruitless));
  }
}

/** Asks once for everything that is missing, the newest first: that is what a reader looks at. */
async function fetchRound(job: RepairJob): Promise<void> {
  let end = Number.POSITIVE_INFINITY;
  for (let batch = newestBatch(job, end); batch; batch = newestBatch(job, end)) {
    end = batch.from;
    await job.fetch(batch);
  }
}

/** The newest missing numbers before `end` that one request can ask for. */
function newestBatch(job: RepairJob, end: number): SeqRange | undefined {
  const newest = job.signal.aborted ? undefined : job.missing().findLast(({ from }) => from < end);
  if (!newest) return undefined;
  const to = Math.min(newest.to, end - 1);
  return { from: Math.max(newest.from, to - BATCH + 1), to };
}

/** Pause in ms before another attempt, after so many in a row were in vain: doubled each time, up to half a minute. */
export function backOff(failures: number): number {
  return Math.min(FIRST_DELAY * 2 ** (failures - 1), LONGEST_DELAY);
}
