import {
  type ConversationsPage,
  type ListedMessage,
  MAX_PULL,
  type MessagesPage,
  type RevisionsPage,
} from '../protocol/hub.ts';
import type { ResyncResult } from '../protocol/rpc.ts';
import type { Database } from '../store/database.ts';
import type { HubEntity } from '../store/replica/entities.ts';
import { publishAnew, type ReplicaUpdate } from '../store/replica/replica.ts';
import { sharedConversations } from '../store/replica/sharing.ts';
import { heldRanges, recordValidation } from '../store/syncState.ts';
import { repair } from '../sync/chat/repair.ts';
import { transitions } from '../sync/chat/transitions.ts';
import { countSeqs, mergeRanges, missingRanges, type SeqRange, toRanges, validate } from '../sync/sequence.ts';
import { type TakingPorts, takeIn } from './takeIn.ts';

/** Rows that one transaction takes in: it takes some 10 ms. */
const ROWS = 100;

/** What a replica is compared with the hub by. */
export interface ComparisonPorts extends TakingPorts {
  /** What the hub answers to a GET. */
  get<T>(path: string): Promise<T>;
  /** Resolves after so many ms, or when the signal aborts. */
  wait(delay: number): Promise<void>;
  signal: AbortSignal;
}

/**
 * Compares every shared conversation with the hub's lists, fetches what differs, and has that published which the hub
 * does not have. Nothing is relied on that was known of the hub before.
 * @returns the place in the hub's log from which on its events have to be pulled
 */
export async function compareAll(ports: ComparisonPorts): Promise<number> {
  const { db, write } = ports;
  const listed = new Map<string, number>();
  let cursor: number | undefined;
  for (let after = ''; ; ) {
    const page = await ports.get<ConversationsPage>(`/chat/conversations?limit=${MAX_PULL}${after}`);
    cursor ??= page.latest_sequence;
    await takeIn(ports, (update) => adoptConversations(update, db, page));
    for (const { id, lastMessageSequence } of page.conversations) listed.set(id, lastMessageSequence);
    const last = page.conversations.at(-1);
    if (!page.has_more || !last) break;
    after = `&after=${last.id}`;
  }
  for (const id of db.read(() => sharedConversations(db))) {
    if (ports.signal.aborted) break;
    if (!listed.has(id)) await write(() => publishAnew(db, 'conversation', id));
    await compareConversation(ports, id, listed.get(id) ?? 0);
  }
  return cursor;
}

function adoptConversations(update: ReplicaUpdate, db: Database, page: ConversationsPage): void {
  for (const { lastMessageSequence, revisionId, updatedAt: _, ...body } of page.conversations) {
    update.adopt({ type: 'conversation', id: body.id, revisionId, sequence: page.latest_sequence, body });
    raiseNewest(db, body.id, lastMessageSequence);
  }
}

function raiseNewest(db: Database, conversationId: string, newest: number): void {
  db.sql(`UPDATE conversations SET last_seq = max(last_seq, ?) WHERE id = ? AND authority = 'hub'`).run(
    newest,
    conversationId,
  );
}

/** Compares the messages of one conversation by their revisions; `newest` is the hub's newest number, 0 for none. */
async function compareConversation(ports: ComparisonPorts, id: string, newest: number): Promise<void> {
  const { db, write } = ports;
  const known = new Set<string>();
  for (let from = 1; from <= newest; ) {
    const { revisions, has_more, latest_sequence } = await ports.get<RevisionsPage>(
      `/chat/revisions?conversation_id=${id}&from_seq=${from}&to_seq=${newest}`,
    );
    for (const revision of revisions) known.add(revision.id);
    const differing: number[] = [];
    for (let done = 0; done < revisions.length; done += ROWS) {
      const next = revisions.slice(done, done + ROWS);
      differing.push(...(await write(() => findDiffering(db, next, latest_sequence))));
    }
    for (const range of toRanges(differing)) await fetchRange(ports, id, range);
    from = has_more ? (revisions.at(-1)?.seq ?? newest) + 1 : newest + 1;
  }
  const own = db.sql('SELECT id FROM messages WHERE conversation_id = ? ORDER BY seq IS NULL, seq, row_id').pluck();
  const unknown = db.read(() => (own.all(id) as string[]).filter((messageId) => !known.has(messageId)));
  for (let done = 0; done < unknown.length; done += ROWS) {
    const next = unknown.slice(done, done + ROWS);
    await write(() => {
      for (const messageId of next) publishAnew(db, 'message', messageId);
    });
  }
}

/** The numbers of messages that are other ones here; of the others it is known that the events up to `latest` are contained. */
function findDiffering(db: Database, revisions: RevisionsPage['revisions'], latest: number): number[] {
  const same = db.sql(
    `UPDATE hub_entities SET sequence = :latest WHERE id = :id AND revision_id = :revisionId
       AND EXISTS (SELECT 1 FROM messages WHERE id = :id AND seq = :seq)
       AND NOT EXISTS (SELECT 1 FROM hub_outbox WHERE id = :id AND sent_revision IS NOT NULL)`,
  );
  return revisions.filter((revision) => same.run({ ...revision, latest }).changes === 0).map(({ seq }) => seq);
}

/** Fetches messages by their numbers and stores them. */
async function fetchRange(ports: ComparisonPorts, id: string, range: SeqRange): Promise<SeqRange[]> {
  const { get, signal } = ports;
  const brought: number[] = [];
  for (let { from } = range; from <= range.to && !signal.aborted; ) {
    const page = await get<MessagesPage>(`/chat/messages?conversation_id=${id}&from_seq=${from}&to_seq=${range.to}`);
    for (let done = 0; done < page.messages.length; done += ROWS) {
      const rows = page.messages.slice(done, done + ROWS);
      await takeIn(ports, (update) => {
        for (const message of rows) update.adopt(toEntity(message, page.latest_sequence));
      });
    }
    brought.push(...page.messages.map(({ seq }) => seq));
    from = page.has_more ? (page.messages.at(-1)?.seq ?? range.to) + 1 : range.to + 1;
  }
  return toRanges(brought);
}

function toEntity({ revisionId, updatedAt: _, ...body }: ListedMessage, sequence: number): HubEntity {
  return { type: 'message', id: body.id, revisionId, sequence, body };
}

/**
 * Asks the hub for the newest number of a shared conversation and fetches the messages that are missing here, and no
 * others.
 * @throws {DevChatError} what the hub could not be asked for
 */
export async function resyncShared(ports: ComparisonPorts, conversationId: string): Promise<ResyncResult> {
  const { db, write } = ports;
  const path = `/chat/revisions?conversation_id=${conversationId}&from_seq=0&to_seq=0`;
  const { last_sequence: expected } = await ports.get<RevisionsPage>(path);
  await write(() => raiseNewest(db, conversationId, expected));
  const fetchedRanges = await fetchMissing(ports, conversationId, expected);
  const reason = db.read(() => validate(heldRanges(db, conversationId), expected));
  const [state] = transitions.UNKNOWN[reason];
  await write(() => recordValidation(db, conversationId, { state, expected, now: Date.now() }));
  return { state, reason, fetchedRanges, fetched: countSeqs(fetchedRanges) };
}

async function fetchMissing(ports: ComparisonPorts, conversationId: string, expected: number): Promise<SeqRange[]> {
  const { db, wait, signal } = ports;
  let fetched: SeqRange[] = [];
  await repair({
    missing: () => db.read(() => missingRanges(heldRanges(db, conversationId), { from: 1, to: expected })),
    fetch: async (range) => {
      fetched = mergeRanges(fetched, await fetchRange(ports, conversationId, range));
    },
    wait,
    signal,
  });
  return fetched;
}

/** The shared conversations of which messages are missing here, as far as their counters tell. */
export function incompleteConversations(db: Database): string[] {
  return db
    .sql(
      `SELECT c.id FROM conversations c LEFT JOIN chat_sync_state s ON s.conversation_id = c.id
       WHERE c.authority = 'hub' AND c.purged_at IS NULL AND coalesce(s.message_count, 0) < c.last_seq`,
    )
    .pluck()
    .all() as string[];
}
