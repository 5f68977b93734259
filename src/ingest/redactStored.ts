import type { Database } from '../store/database.ts';
import {
  ingestedTexts,
  type RescannedTable,
  rescannedTables,
  rescanPosition,
  saveRescan,
} from '../store/ingestRescan.ts';
import { type LeaderRecord, writeAsLeader } from '../store/leader.ts';
import { type Clock, turn } from '../sync/clock.ts';
import { mapTexts } from './mapTexts.ts';
import { redact, replaceNamed } from './redaction.ts';
import { RULES_VERSION } from './secretRules.ts';

/** Rows per transaction. */
const ROWS = 200;

/**
 * Replaces the secrets that the present rules know in what was stored under older ones, or as it was. It goes on where it
 * was interrupted, and does nothing when nothing of the kind is left.
 * @returns how many secrets were replaced
 */
export async function redactStored(
  db: Database,
  leader: LeaderRecord,
  { onCommitted, isStopped, clock }: { onCommitted(): void; isStopped(): boolean; clock: Pick<Clock, 'nextTurn'> },
): Promise<number> {
  let total = 0;
  for (const table of rescannedTables) {
    while (!isStopped()) {
      const result = await writeAsLeader(db, leader, () => redactPage(db, leader.instanceId, table));
      if (result === undefined) break;
      total += result;
      if (result > 0) onCommitted();
      // Between pages the process serves its clients.
      await turn(clock);
    }
  }
  return total;
}

/** @returns how many secrets were replaced; undefined at the end of the table */
function redactPage(db: Database, origin: string, table: RescannedTable): number | undefined {
  const after = rescanPosition(db, table, RULES_VERSION);
  if (after === undefined) return undefined;
  const rows = ingestedTexts(db, table, after, ROWS);
  let count = 0;
  const replace = (text: string) => {
    const redacted = redact(text);
    count += redacted.count;
    return redacted.text;
  };
  const changed = rows.flatMap(({ row, text, json }) => {
    const before = count;
    const replaceIn = (value: string, name?: string) => replaceNamed(value, name, replace);
    const after = { row, text: replace(text), json: json && JSON.stringify(mapTexts(JSON.parse(json), replaceIn)) };
    return count > before ? [after] : [];
  });
  saveRescan(db, origin, table, { version: RULES_VERSION, after: rows.at(-1)?.row, changed });
  return count;
}
