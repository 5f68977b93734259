import { v7 as uuid } from 'uuid';
import type { Alternative, ChangeEvent, EntityType, HubChange } from '../../protocol/hub.ts';
import { applyPatch, diff } from '../../protocol/patch.ts';
import { appendChanges, type ChangeEntry } from '../changeLog.ts';
import type { Database } from '../database.ts';
import { type Document, editableOf, isDeleted, merge, nextStep, sayTheSame } from './documents.ts';
import { findEntity, forgetEntity, type HubEntity, saveEntity } from './entities.ts';
import { HubRows } from './hubRows.ts';
import {
  findEntry,
  HUB_ORIGIN,
  nextEntries,
  type OutboxEntry,
  removeEntry,
  saveEntry,
  type Version,
} from './outbox.ts';

/** The revision of what was made here without knowing that the hub had it: whatever the hub has is another one. */
const NO_REVISION = '00000000-0000-0000-0000-000000000000';

/**
 * Length up to which an edit brings a text whole, in UTF-16 code units, so that it can be read by itself if it loses. What
 * is still being written has one writer, and only its additions are told.
 */
const WHOLE = 10_000;

/** How much of a message names it in a sentence, in characters. */
const NAME_LENGTH = 40;

/** Something the hub has told, that fits nothing here: everything is to be compared with the hub's lists. */
export class OutOfStep extends Error {}

/** An edit, or a deletion, that lost against another edit. */
export interface LostEdit {
  /** The title, or the beginning of the message. */
  name: string;
  /** The conversation where the hub keeps it as an alternative; null where it does not, as of deletions. */
  keptIn: string | null;
}

/** How the hub came to tell of an entity: by an event of somebody's, by one that was sent from here, or when asked. */
type Occasion = 'event' | 'own' | 'asked';

/**
 * Takes in what the hub tells, inside one write transaction. The rows of conversations and messages, the change log and
 * the outbox follow from what the hub has and from what was changed here since:
 * - what was not changed here becomes what the hub has;
 * - edits of different members are joined, and the joined one is told to the hub;
 * - of two edits of one member, the one that reached the hub first holds. The other one is sent all the same, as an edit
 *   of what it was made from: so the hub keeps it as an alternative, and then it makes way here.
 */
export class ReplicaUpdate {
  /** What was edited here, and lost against another edit. */
  readonly lost: LostEdit[] = [];
  readonly #db: Database;
  readonly #rows: HubRows;

  constructor(db: Database) {
    this.#db = db;
    this.#rows = new HubRows(db);
  }

  /**
   * Takes in an event; one that is contained already changes nothing.
   * @throws {OutOfStep}
   */
  apply(event: ChangeEvent): void {
    const { entity_type: type, entity_id: id, revision_id: revisionId, sequence } = event;
    const before = findEntity(this.#db, type, id);
    if (before && sequence <= before.sequence) return;
    const isOwn = findEntry(this.#db, id)?.sent?.revisionId === revisionId;
    if (!this.#rows.accepts(type, id, conversationIn(event) ?? before?.body['conversationId'])) {
      if (isOwn) removeEntry(this.#db, id);
      return;
    }
    if (!before && event.event_type !== 'create') throw new OutOfStep(`There is no ${type} ${id} to change.`);
    const body = patched(before?.body, event);
    this.#settle({ type, id, revisionId, sequence, body }, isOwn ? 'own' : 'event');
  }

  /** Takes in what the hub has, as of event `entity.sequence`, whatever was known before. */
  adopt(entity: HubEntity): void {
    const { type, id, body } = entity;
    if (this.#rows.accepts(type, id, body['conversationId'])) this.#settle(entity, 'asked');
    // Of what was purged here, the hub needs to know no more than that it is deleted.
    else if (isDeleted(body)) removeEntry(this.#db, id);
  }

  /** The hub has not taken a deletion, because somebody else was quicker: its version holds. */
  yieldTo(entity: HubEntity): void {
    this.#noteLost(entity, false);
    this.#rows.write(entity);
    removeEntry(this.#db, entity.id);
  }

  /** Logs what was changed. To be called last. */
  finish(): void {
    const entries: ChangeEntry[] = this.#rows.finish();
    appendChanges(this.#db, entries, HUB_ORIGIN);
  }

  #noteLost({ type, id, body }: HubEntity, isOnHub: boolean): void {
    const name = nameOf(this.#rows.read(type, id)) || nameOf(body);
    this.lost.push({ name, keptIn: isOnHub ? String(body['conversationId'] ?? id) : null });
  }

  #settle(entity: HubEntity, occasion: Occasion): void {
    saveEntity(this.#db, entity);
    const entry = findEntry(this.#db, entity.id);
    if (entry) this.#reconcile(entry, entity, occasion);
    else this.#rows.write(entity);
  }

  #reconcile(entry: OutboxEntry, entity: HubEntity, occasion: Occasion): void {
    const { type, id, sent } = entry;
    const { body } = entity;
    const isTaken = sent !== null && sayTheSame(type, body, sent.body);
    // What is still on its way to the hub must arrive there as the same revision.
    const isAwaited = occasion === 'event' || entity.revisionId === entry.base?.revisionId;
    // What has become of an edit that is on its way shows in its own event; a deletion has none if somebody was quicker.
    const isOver = isTaken || (sent !== null && isDeleted(sent.body) && isDeleted(body));
    this.#rows.number(entity);
    if (sent && !isOver && isAwaited) return;
    const local = this.#rows.read(type, id) ?? body;
    const base = entry.base ?? { revisionId: NO_REVISION, body: {} };
    const joined = isTaken ? local : merge(type, { base: base.body, local, remote: body });
    const isLost = !joined && sent !== null && (occasion === 'own' || isKept(entity, sent));
    // What was sent makes way; what was changed since is still to be told, such as a deletion after a new name.
    const kept = isLost ? merge(type, { base: sent.body, local, remote: body }) : joined;
    if (kept) {
      if (isLost) this.#noteLost(entity, true);
      if (!isTaken) this.#rows.write({ ...entity, body: kept });
      this.#rest({ ...entry, base: entity, sent: null }, entity, kept);
    } else saveEntry(this.#db, { ...entry, base, sent: null });
  }

  /** Ends an entry of which nothing is left to be told. */
  #rest(entry: OutboxEntry, entity: HubEntity, local: Document): void {
    if (sayTheSame(entry.type, local, entity.body)) {
      this.#rows.write(entity);
      removeEntry(this.#db, entry.id);
    } else saveEntry(this.#db, entry);
  }
}

/** Words for a user by which a conversation or a message is recognised. */
function nameOf({ title, content }: Document = {}): string {
  return String(title ?? content ?? '').slice(0, NAME_LENGTH);
}

/** Whether the hub keeps a version as an alternative. */
function isKept({ body }: HubEntity, { revisionId }: Version): boolean {
  return ((body['alternatives'] ?? []) as Alternative[]).some((alternative) => alternative.revisionId === revisionId);
}

function conversationIn({ event_type, json_patch: [operation] }: ChangeEvent): unknown {
  if (event_type !== 'create' || operation?.op !== 'add') return undefined;
  return (operation.value as Document | null)?.['conversationId'];
}

function patched(body: Document | undefined, { json_patch }: ChangeEvent): Document {
  try {
    return applyPatch(body, json_patch) as Document;
  } catch (error) {
    throw new OutOfStep('An event does not fit what it changes.', { cause: error });
  }
}

/**
 * Puts the next changes for the hub together, inside a write transaction, and records them as sent: what may have
 * reached the hub is sent again unchanged until its event comes.
 * @param userId who the hub says is writing here; what a user of this machine wrote goes under that name
 * @param most how many changes at most, and how much text in them, in UTF-16 code units; the first change always comes
 */
export function takeChanges(db: Database, userId: string, most: { changes: number; length: number }): HubChange[] {
  const rows = new HubRows(db);
  const changes: HubChange[] = [];
  let taken = 0;
  for (const entry of nextEntries(db, most.changes)) {
    const prepared = entry.sent ? again(db, entry, entry.sent) : first(db, entry, rows, userId);
    if (!prepared) continue;
    taken += JSON.stringify(prepared.change).length;
    if (changes.length > 0 && taken > most.length) break;
    saveEntry(db, prepared.entry);
    changes.push(prepared.change);
  }
  appendChanges(db, rows.finish(), HUB_ORIGIN);
  return changes;
}

interface Prepared {
  entry: OutboxEntry;
  change: HubChange;
}

/** What is to be told of an entity for the first time; undefined, and no entry any more, when there is nothing to tell. */
function first(db: Database, entry: OutboxEntry, rows: HubRows, userId: string): Prepared | undefined {
  const { type, id } = entry;
  if (type === 'message' && !entry.base) rows.sign(id, userId);
  const local = rows.read(type, id);
  const entity = findEntity(db, type, id);
  const base = entry.base ?? entity ?? null;
  if (!local || (base && sayTheSame(type, local, base.body))) {
    removeEntry(db, id);
    return undefined;
  }
  const body = nextStep(local, base?.body);
  return again(db, { ...entry, base }, { revisionId: uuid(), body });
}

function again(db: Database, entry: OutboxEntry, sent: NonNullable<OutboxEntry['sent']>): Prepared {
  const { type, id, base } = entry;
  const change = { entity_type: type, entity_id: id, revision_id: sent.revisionId };
  const prepared = { ...entry, sent };
  if (!base) {
    const value = { ...sent.body, ...claim(db, type, id) };
    return {
      entry: prepared,
      change: { ...change, event_type: 'create', json_patch: [{ op: 'add', path: '', value }] },
    };
  }
  const before = editableOf(type, base.body);
  const after = editableOf(type, sent.body);
  const base_revision_id = base.revisionId;
  if (after['deletedAt'] !== null && before['deletedAt'] === null) {
    return { entry: prepared, change: { ...change, event_type: 'delete', base_revision_id } };
  }
  const json_patch = diff(before, after, before['status'] === 'streaming' ? 0 : WHOLE);
  return { entry: prepared, change: { ...change, event_type: 'update', base_revision_id, json_patch } };
}

/** The numbers that what is published has already: of a message its own, of a conversation up to the newest one. */
function claim(db: Database, type: EntityType, id: string): Document {
  const sql =
    type === 'message'
      ? 'SELECT seq FROM messages WHERE id = ?'
      : 'SELECT nullif(last_seq, 0) AS publishedSeq FROM conversations WHERE id = ?';
  const claimed = db.sql(sql).get(id) as Record<string, number | null>;
  return Object.fromEntries(Object.entries(claimed).filter(([, number]) => number !== null));
}

/** Forgets what was said of an entity that the hub has not (any more), inside a write transaction: it is created anew. */
export function publishAnew(db: Database, type: EntityType, id: string): void {
  forgetEntity(db, id);
  db.sql(
    `INSERT INTO hub_outbox(type, id) VALUES (?, ?) ON CONFLICT(id) DO UPDATE SET problem = NULL, base_revision = NULL,
       base_body = NULL, sent_revision = NULL, sent_body = NULL`,
  ).run(type, id);
}
