import { hash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { DevChatError } from '../protocol/errors.ts';
import { type Conversation, MAX_TITLE_LENGTH } from '../protocol/model.ts';
import { mergeParts, readParts } from '../protocol/parts.ts';
import type { Params } from '../protocol/rpc.ts';
import { copyBlobUses } from './blobUses.ts';
import { appendChanges } from './changeLog.ts';
import { findConversation, getConversation, getLiveConversation, setColumns } from './conversations.ts';
import type { Database } from './database.ts';
import { placeOf } from './rows.ts';
import { resetSyncState } from './syncState.ts';
import { normaliseTitle } from './text.ts';

/** Messages, and bytes of them, that one transaction copies; it takes some 20 ms. */
const MESSAGES = 250;
const BYTES = 1 << 22;

/** Pause between two transactions, in ms, in which others write. */
const PAUSE = 8;

const MARK = ' (branch)';

/**
 * Copies messages of a conversation into a new one, which appears when it is complete; a repeated call with the same id
 * goes on where the first one stopped. Until then it is a purged one, so what a crash leaves of it is removed in time.
 * @throws {DevChatError} `not-found`, `deleted` (the conversation is in the bin, or the copy was deleted for good),
 *   `conflict` (the id is that of another conversation)
 */
export async function branchConversation(
  db: Database,
  origin: string,
  { conversationId, throughSeq, id = uuid(), title }: Params<'conversation/branch'>,
): Promise<Conversation> {
  const source = db.read(() => getLiveConversation(db, conversationId));
  const through = Math.min(throughSeq ?? source.lastSeq, source.lastSeq);
  const newTitle = title === undefined ? branchTitle(source.title) : normaliseTitle(title);
  for (;;) {
    const branch = await db.write(() => {
      const begun = findConversation(db, id) ?? begin(db, id, conversationId, newTitle);
      return begun.purgedAt === null ? begun : copySome(db, origin, begun, { conversationId, through });
    });
    if (branch.parentId !== conversationId) {
      throw new DevChatError('conflict', `The id ${id} is that of another conversation.`);
    }
    if (branch.purgedAt === null) return branch;
    await delay(PAUSE);
  }
}

function branchTitle(title: string): string {
  return title === '' ? '' : `${title.slice(0, MAX_TITLE_LENGTH - MARK.length)}${MARK}`;
}

function begin(db: Database, id: string, parentId: string, title: string): Conversation {
  const now = Date.now();
  db.sql(
    `INSERT INTO conversations(id, title, source, parent_id, branched_from, revision, created_at, updated_at,
       deleted_at, purged_at)
     VALUES (:id, :title, 'chat', :parentId, 0, 0, :now, :now, :now, :now)`,
  ).run({ id, title, parentId, now });
  return findConversation(db, id) as Conversation;
}

/** Copies the messages that are next; with the last of them, the copy becomes a conversation like any other. */
function copySome(
  db: Database,
  origin: string,
  branch: Conversation,
  { conversationId, through }: { conversationId: string; through: number },
): Conversation {
  // Nothing is added to one that was given up.
  if (branch.parentId !== conversationId) return getConversation(db, branch.id);
  getLiveConversation(db, conversationId);
  const { next, isLast } = nextMessages(db, conversationId, branch.branchedFrom ?? 0, through);
  for (const [index, message] of next.entries()) copyMessage(db, branch.id, branch.lastSeq + index + 1, message);
  const lastSeq = branch.lastSeq + next.length;
  const copied = setColumns(db, branch.id, {
    ...{ last_seq: lastSeq, last_read_seq: lastSeq, branched_from: isLast ? through : (next.at(-1)?.place ?? through) },
    ...(isLast ? { deleted_at: null, purged_at: null } : {}),
  });
  resetSyncState(db, branch.id);
  const { id, title: newTitle, revision } = copied;
  if (isLast)
    appendChanges(db, [{ changeType: 'ConversationCreated', conversationId: id, newTitle, revision }], origin);
  return copied;
}

interface SourceMessage {
  rowId: number;
  id: string;
  place: number;
  /** JSON of what the chat keeps with a message; null when there is none of it. */
  chatParts: string | null;
  size: number;
}

/** The messages after a number that one transaction copies, and whether they are the last ones; deleted ones are left out. */
function nextMessages(
  db: Database,
  conversationId: string,
  after: number,
  through: number,
): { next: SourceMessage[]; isLast: boolean } {
  const select = `SELECT row_id AS rowId, id, ${placeOf('messages')} AS place,
      iif(json_type(parts) = 'object', json(parts), NULL) AS chatParts,
      octet_length(content) + ifnull(octet_length(parts), 0) AS size
    FROM messages WHERE conversation_id = ? AND deleted_at IS NULL`;
  const bounds = [conversationId, after, through];
  const numbered = db.sql(`${select} AND seq > ? AND seq <= ? ORDER BY seq LIMIT ${MESSAGES}`).all(bounds);
  // Those that wait for their numbers come after all others.
  const pending = db.sql(`${select} AND seq IS NULL AND place > ? AND place <= ? ORDER BY row_id LIMIT ${MESSAGES}`);
  const rows = [...numbered, ...(numbered.length < MESSAGES ? pending.all(bounds) : [])] as SourceMessage[];
  let bytes = 0;
  const next = rows.filter(({ size }, index) => {
    bytes += size;
    return index === 0 || bytes <= BYTES;
  });
  return { next, isLast: next.length === rows.length && rows.length < MESSAGES };
}

/** Copies one message. One that is being written is not being written here. */
function copyMessage(
  db: Database,
  branchId: string,
  seq: number,
  { rowId, id: sourceId, chatParts }: SourceMessage,
): void {
  const id = copyId(branchId, sourceId);
  db.sql(
    `INSERT INTO messages(id, conversation_id, seq, role, author, content, parts, status, model, created_at, updated_at)
     SELECT :id, :branchId, :seq, role, author, content, ifnull(jsonb(:parts), parts),
       iif(status = 'streaming', 'interrupted', status), model, created_at, updated_at
     FROM messages WHERE row_id = :rowId`,
  ).run({ id, branchId, seq, parts: chatParts === null ? null : copyParts(branchId, JSON.parse(chatParts)), rowId });
  copyBlobUses(db, sourceId, id);
}

/** JSON of parts in which what refers to messages of the source refers to their copies; null when nothing does. */
function copyParts(branchId: string, parts: unknown): string | null {
  const { replyTo, alternativeOf } = readParts(parts);
  if (replyTo === undefined && alternativeOf === undefined) return null;
  const copied = mergeParts(parts, {
    ...(replyTo === undefined ? {} : { replyTo: copyId(branchId, replyTo) }),
    ...(alternativeOf === undefined ? {} : { alternativeOf: copyId(branchId, alternativeOf) }),
  });
  return JSON.stringify(copied);
}

/** The id of a message’s copy: always the same, and in the order of the messages' own ids, which tell the time. */
function copyId(branchId: string, messageId: string): string {
  const msecs = Number.parseInt(messageId.replaceAll('-', '').slice(0, 12), 16) || 0;
  return uuid({ msecs, random: hash('sha256', `${branchId}${messageId}`, 'buffer').subarray(0, 16) });
}
