import type { Source } from '../protocol/ingest.ts';
import type { IngestFile } from '../store/ingestFiles.ts';
import type { FileState } from './adapter.ts';
import type { Blob, PreparedFact, PreparedTitle } from './prepare.ts';

/** How far a file was read; its state is the JSON of a {@link Memory}. */
export type FilePosition = Omit<IngestFile, 'path' | 'source'>;

/** What is remembered of a file between two looks at it. */
export interface Memory {
  /** What the adapter remembers. */
  adapter: FileState;
  /** Whether the file belongs to the workspace, by the first working directory that it names. */
  place: 'unknown' | 'ours' | 'foreign';
  /** Hash of the folders for which this was decided. */
  folders: string;
  /** Hash of the title that was found beside the file. */
  title?: string;
  /** Hashes of the records of a document that were read. */
  seen?: string[];
}

/** A file to read, and how. */
export interface ReadRequest {
  path: string;
  source: Source;
  known: FilePosition | undefined;
  /** Canonical paths of the workspace's folders. */
  folders: readonly string[];
  /** Takes the file whatever directory it names. */
  takeAll: boolean;
  redact: boolean;
  /** How much a batch should weigh, which decides how long its transaction takes; may change while the file is read. */
  batchSize: number;
}

/** A record that this version does not understand, as it was; the key is a hash of it. */
export interface UnknownRecord {
  position: number;
  key: string;
  kind: string;
  raw: string;
}

/** What a record says. */
export type PreparedRecord = { facts: PreparedFact[] } | { unknown: UnknownRecord };

/** What cannot be read as a record. */
export interface Quarantined {
  position: number;
  reason: 'not-json' | 'not-an-object' | 'too-long' | 'not-understood';
  size: number;
  /** Without secrets. */
  beginning: string;
}

/** A run of records of one file that is committed as a whole, with the position after it. */
export interface Batch {
  from: number;
  /** How much there is to store, in usual records: their number, or what their bytes amount to. */
  weight: number;
  next: FilePosition;
  records: PreparedRecord[];
  titles: PreparedTitle[];
  quarantined: Quarantined[];
  bookkeeping: number;
  /** Whether secrets were looked for, and how many were replaced. */
  isRedacted: boolean;
  redacted: number;
  blobs: Blob[];
}

/** Whether a batch says nothing that is not known, and need not be stored. */
export function isEmpty(batch: Batch, knownPosition: number | undefined): boolean {
  const count = batch.records.length + batch.titles.length + batch.quarantined.length + batch.bookkeeping;
  return count === 0 && batch.next.position === knownPosition;
}
