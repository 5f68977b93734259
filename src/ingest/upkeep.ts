import { errorText } from '../protocol/errors.ts';
import { type Cancel, type Clock, every } from '../sync/clock.ts';
import type { IngestOptions } from './ingest.ts';
import { redactStored } from './redactStored.ts';
import { expireOld } from './retention.ts';

/** How often it is looked what has become too old to keep, in ms. */
const EXPIRY_INTERVAL = 3_600_000;

const DAY = 86_400_000;

/** Keeps what is stored as the user wants it: without secrets, and no longer than told. @returns what ends it */
export function startUpkeep(
  { db, leader, settings, log, onCommitted }: Pick<IngestOptions, 'db' | 'leader' | 'settings' | 'log' | 'onCommitted'>,
  clock: Clock,
): Cancel {
  let isStopped = false;
  const redact = async () => {
    const count = await redactStored(db, leader, { onCommitted, isStopped: () => isStopped, clock });
    if (count > 0) log('info', `${count} secrets were replaced in what was stored under older rules`);
  };
  const expire = async () => {
    const before = clock.wallTime() - settings.retentionDays * DAY;
    const moved = await expireOld(db, leader, { before, onCommitted });
    if (moved > 0) log('info', `${moved} conversations were moved to the bin for their age`);
  };
  /** What fails is tried again at the next start, or after the usual time. */
  const run = (work: () => Promise<void>) => {
    work().catch((error: unknown) => {
      if (!isStopped) log('warn', `what is stored could not be looked through: ${errorText(error)}`);
    });
  };
  if (settings.redact) run(redact);
  if (settings.retentionDays === 0) {
    return () => {
      isStopped = true;
    };
  }
  run(expire);
  const cancel = every(clock, EXPIRY_INTERVAL, () => run(expire));
  return () => {
    isStopped = true;
    cancel();
  };
}
