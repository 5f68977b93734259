import { basename } from 'node:path';
import type { IngestCounts, Source } from '../protocol/ingest.ts';
import type { Database } from '../store/database.ts';
import { mergingEvenly } from '../store/indexMerging.ts';
import {
  countRecords,
  findIngestFile,
  logIngest,
  saveIngestFile,
  saveQuarantined,
  saveUnknown,
} from '../store/ingestFiles.ts';
import { saveBlob } from '../store/ingestMessages.ts';
import { requireRescan } from '../store/ingestRescan.ts';
import { type LeaderRecord, writeAsLeader } from '../store/leader.ts';
import { SessionWriter } from './sessionWriter.ts';
import type { Batch } from './transcript.ts';

/** Bytes of images and other large things that a database keeps. */
const BLOB_BUDGET = 1 << 28;

/** Weight of a batch from which on it merges the search index evenly; with single lines that would cost more than it saves. */
const MERGED_EVENLY = 20;

/**
 * Stores a batch and the position after it in one transaction.
 * @returns for how long nobody else could write, in ms
 * @throws {DevChatError} `not-leader` and the errors of any write; then nothing of the batch is stored
 */
export async function commitBatch(
  db: Database,
  leader: LeaderRecord,
  { path, source }: { path: string; source: Source },
  batch: Batch,
): Promise<number> {
  const store = () => {
    const begun = performance.now();
    const isLive = (findIngestFile(db, path)?.modifiedAt ?? 0) !== 0;
    const fileId = saveIngestFile(db, { path, source, ...batch.next });
    const counts: IngestCounts = {
      found: batch.records.length + batch.quarantined.length,
      stored: 0,
      duplicates: 0,
      quarantined: batch.quarantined.length,
      bookkeeping: batch.bookkeeping,
      conflicts: 0,
      redacted: batch.redacted,
    };
    const facts = batch.records.flatMap((record) => ('facts' in record ? record.facts : []));
    const writer = new SessionWriter(db, facts, { origin: leader.instanceId, source, isLive });
    for (const record of batch.records) {
      if ('unknown' in record ? saveUnknown(db, fileId, record.unknown) : writer.take(record.facts)) counts.stored++;
      else counts.duplicates++;
    }
    writer.take(batch.titles);
    if (batch.weight < MERGED_EVENLY) writer.flush();
    else mergingEvenly(db, () => writer.flush());
    counts.conflicts = writer.conflicts;
    for (const row of batch.quarantined) saveQuarantined(db, fileId, row);
    for (const blob of batch.blobs) saveBlob(db, blob, BLOB_BUDGET);
    if (!batch.isRedacted) requireRescan(db);
    if (counts.found + counts.bookkeeping + batch.titles.length === 0) return begun;
    countRecords(db, fileId, counts);
    const durationMs = Math.round(performance.now() - begun);
    logIngest(db, { file: basename(path), from: batch.from, to: batch.next.position, durationMs, ...counts });
    return begun;
  };
  // What a power loss undoes is read again: how far was read is stored with it.
  const started = await writeAsLeader(db, leader, store, { isRepeatable: true });
  return performance.now() - started;
}
