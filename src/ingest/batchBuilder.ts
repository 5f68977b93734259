import { type Adapter, type FileState, type JsonObject, type Reading, titleRank } from './adapter.ts';
import { text } from './adapters/fields.ts';
import { identity } from './identity.ts';
import { Preparation, type PreparedFact, type PreparedTitle } from './prepare.ts';
import { LONGEST_SECRET } from './secretRules.ts';
import type { Batch, FilePosition, Memory, PreparedRecord, Quarantined, ReadRequest } from './transcript.ts';

/** Bytes that weigh as much as a record. */
const BYTES_PER_RECORD = 1 << 11;

/** How much of what cannot be read, and of an unknown record, is kept, in UTF-16 code units. */
const MAX_BEGINNING = 2000;
const MAX_RAW = 16_384;

/** Longest name of a kind of records, in UTF-16 code units. */
const MAX_KIND = 100;

/** Collects the records of one file into batches, and lets its adapter understand them in order. */
export class BatchBuilder {
  readonly memory: Memory;
  readonly #adapter: Adapter;
  readonly #options: Pick<ReadRequest, 'redact' | 'batchSize'>;
  #preparation: Preparation;
  /** Of what the adapter remembers, the texts that have no secrets. */
  #texts: FileState['texts'];
  #from: number;
  #bytes = 0;
  #records: PreparedRecord[] = [];
  #titles: PreparedTitle[] = [];
  #quarantined: Quarantined[] = [];
  #bookkeeping = 0;
  #isWithinMessage = false;

  /** @param options its `batchSize` may change: it is looked at when a batch may be full */
  constructor(adapter: Adapter, memory: Memory, from: number, options: Pick<ReadRequest, 'redact' | 'batchSize'>) {
    this.#adapter = adapter;
    this.memory = memory;
    this.#from = from;
    this.#options = options;
    this.#preparation = new Preparation(adapter.source, options.redact);
  }

  /** Whether to end the batch; within a message of several records only when it must be, as it would be stored twice. */
  get isFull(): boolean {
    const { batchSize } = this.#options;
    return this.#weight >= (this.#isWithinMessage ? 2 * batchSize : batchSize);
  }

  get #weight(): number {
    const records = this.#records.length + this.#quarantined.length + this.#bookkeeping;
    return Math.max(records, this.#bytes / BYTES_PER_RECORD);
  }

  /** Counts bytes that were read towards a full batch. */
  read(bytes: number): void {
    this.#bytes += bytes;
  }

  /**
   * Has a record understood.
   * @param isKnown it was taken before, and only has to be remembered
   */
  add(record: JsonObject, position: number, isKnown = false): void {
    let reading: Reading;
    let facts: PreparedFact[] | undefined;
    try {
      reading = this.#adapter.read(record, this.memory.adapter);
      this.#redactMemory();
      if (isKnown) return;
      if (Array.isArray(reading)) facts = reading.map((fact) => this.#preparation.fact(fact));
    } catch {
      // What an adapter stumbles over is kept and shown, and must not stop the rest.
      this.quarantine('not-understood', position, JSON.stringify(record));
      return;
    }
    if (facts) this.#take(facts);
    else if (reading === 'bookkeeping') this.#bookkeeping++;
    else this.#unknown(record, position);
  }

  quarantine(reason: Quarantined['reason'], position: number, found: string, size = Buffer.byteLength(found)): void {
    const stretch = found.slice(0, MAX_BEGINNING + LONGEST_SECRET);
    const redacted = this.#preparation.text(stretch);
    // At the end of the stretch may be the beginning of a secret, which is none by itself.
    const sure = stretch === found ? redacted : redacted.slice(0, -LONGEST_SECRET);
    this.#quarantined.push({ position, reason, size, beginning: sure.slice(0, MAX_BEGINNING).toWellFormed() });
  }

  /** Takes a title that was found beside the file, once. */
  title(title: string | undefined): void {
    const mark = title && identity('title', title);
    if (!mark || mark === this.memory.title) return;
    this.memory.title = mark;
    const session = text(this.memory.adapter['session']);
    this.#titles.push(
      this.#preparation.fact({ kind: 'title', session, rank: titleRank.generated, title }) as PreparedTitle,
    );
  }

  /** What was collected, with the position after it; begins the next batch there. */
  take(next: Omit<FilePosition, 'state'>): Batch {
    const batch: Batch = {
      from: this.#from,
      weight: this.#weight,
      next: { ...next, state: JSON.stringify(this.memory) },
      records: this.#records,
      titles: this.#titles,
      quarantined: this.#quarantined,
      bookkeeping: this.#bookkeeping,
      isRedacted: this.#options.redact,
      redacted: this.#preparation.redacted,
      blobs: this.#preparation.blobs,
    };
    this.#from = next.position;
    this.#preparation = new Preparation(this.#adapter.source, this.#options.redact);
    this.#isWithinMessage = false;
    [this.#records, this.#titles, this.#quarantined, this.#bookkeeping, this.#bytes] = [[], [], [], 0, 0];
    return batch;
  }

  /** Takes the secrets out of texts as soon as the adapter remembers them. */
  #redactMemory(): void {
    const { adapter } = this.memory;
    const before = this.#texts;
    if (adapter.texts === before) return;
    const redacted = (name: string, text: string) => (text === before?.[name] ? text : this.#preparation.redact(text));
    const texts = Object.entries(adapter.texts ?? {}).map(([name, text]) => [name, redacted(name, text)] as const);
    this.#texts = texts.length > 0 ? Object.fromEntries(texts) : undefined;
    // Left out when there are none, as if there had been none.
    if (this.#texts) adapter.texts = this.#texts;
    else delete adapter.texts;
  }

  #take(facts: PreparedFact[]): void {
    this.#records.push({ facts });
    this.#isWithinMessage = facts.some((fact) => fact.kind === 'message' && fact.role === 'assistant' && !!fact.piece);
  }

  #unknown(record: JsonObject, position: number): void {
    const kind = ['type', 'record_type', 'kind']
      .map((field) => record[field])
      .find((value) => typeof value === 'string');
    const inner = (record['payload'] ?? record['data'] ?? record['attachment'] ?? record) as JsonObject;
    const detail = [inner['type'], inner['subtype']].find((value) => typeof value === 'string' && value !== kind);
    const name = [kind ?? '(no type)', ...(detail ? [detail] : [])].join('/');
    const json = JSON.stringify(record);
    const raw = this.#preparation.text(json).slice(0, MAX_RAW).toWellFormed();
    const shownKind = this.#preparation.text(name).slice(0, MAX_KIND).toWellFormed();
    const unknown = { position, key: identity(this.#adapter.source, json), kind: shownKind, raw };
    this.#records.push({ unknown });
  }
}
