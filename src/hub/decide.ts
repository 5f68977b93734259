import * as v from 'valibot';
import { DevChatError } from '../protocol/errors.ts';
import {
  type Alternative,
  type EntityType,
  type HubChange,
  HubConversation,
  HubMessage,
  MAX_ALTERNATIVES,
  type PushResult,
  type Refusal,
} from '../protocol/hub.ts';
import { isRecord } from '../protocol/json.ts';
import { applyPatch, equal, type Patch, PatchError } from '../protocol/patch.ts';

/** A conversation or a message as it is stored, or is to be. */
export interface Entity {
  type: EntityType;
  body: HubConversation | HubMessage;
  /** The last is the present one. An edit may be made to each: those after the first only added alternatives. */
  revisions: string[];
  /** Of a conversation, the newest number given to a message. */
  lastMessageSequence: number;
  state: 'stored' | 'changed' | 'new';
}

/** An event that a push leads to; its number comes when all is decided. */
export interface NewEvent {
  entity_type: EntityType;
  entity_id: string;
  event_type: HubChange['event_type'];
  revision_id: string;
  json_patch: Patch;
}

/** What is known when a push is decided on: everything that its changes name, locked. */
export interface Situation {
  entities: Map<string, Entity>;
  /** Numbers of the events of those changes that were made before. */
  made: Map<string, number>;
  /** The claimed numbers of published messages that are taken, by {@link claimKey}. */
  taken: Set<string>;
  userId: string;
  /** Unix milliseconds. */
  now: number;
}

/** A result whose event has no number yet: `event` is its place among the events of the push. */
type Undecided<R> = R extends { sequence: unknown } ? Omit<R, 'sequence'> & { event: number } : never;

export type Result = PushResult | Undecided<PushResult>;

/** What a push comes to, each result at the place of its change. */
export interface Decision {
  results: Result[];
  events: NewEvent[];
}

/** A change that cannot be made; nothing is lost, as its author has it still. */
class Refused extends Error {
  readonly reason: Refusal;

  constructor(reason: Refusal, message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Decides on the changes of a push, in their order, and makes them in `situation.entities`.
 *
 * Of concurrent edits, the one that comes first wins. One that was made to an older revision changes nothing but is kept
 * as an alternative, its patch as it was sent. A deletion of what was edited meanwhile is refused.
 */
export function decide(situation: Situation, changes: readonly HubChange[]): Decision {
  const work: Work = { ...situation, events: [] };
  const results = changes.map((change): Result => {
    const { entity_id, revision_id } = change;
    try {
      return { entity_id, revision_id, ...decideOne(work, change) };
    } catch (error) {
      return { entity_id, revision_id, outcome: 'refused', ...refusal(error) };
    }
  });
  return { results, events: work.events };
}

/** A situation, and the events so far. */
interface Work extends Situation {
  events: NewEvent[];
}

type Outcome<R = Result> = R extends unknown ? Omit<R, 'entity_id' | 'revision_id'> : never;

function decideOne(work: Work, change: HubChange): Outcome {
  const entity = work.entities.get(keyOf(change.entity_type, change.entity_id));
  if (change.event_type === 'create') return entity ? repeated(work, change, entity) : create(work, change);
  const made = madeBefore(work, change);
  if (made) return { outcome: 'duplicate', ...made };
  if (!entity) throw new Refused('not-found', `There is no ${change.entity_type} ${change.entity_id}.`);
  // Its event was cleaned up, and nothing was edited since.
  if (entity.revisions.includes(change.revision_id)) return { outcome: 'duplicate', sequence: null };
  if (change.event_type === 'delete') return remove(work, change, entity);
  if (!entity.revisions.includes(change.base_revision_id)) return keep(work, change, entity);
  const body = updated(entity, change.json_patch);
  Object.assign(entity, { body, revisions: [change.revision_id], state: touched(entity) });
  return { outcome: 'applied', event: emit(work, change, change.json_patch) };
}

/** Where the event of a change is that was made before, or earlier in the same push. */
function madeBefore(
  { made, events }: Work,
  { revision_id }: HubChange,
): { sequence: number } | { event: number } | undefined {
  const sequence = made.get(revision_id);
  if (sequence !== undefined) return { sequence };
  const event = events.findIndex((earlier) => earlier.revision_id === revision_id);
  return event === -1 ? undefined : { event };
}

function emit({ events }: Work, change: HubChange, json_patch: Patch): number {
  const { entity_type, entity_id, event_type, revision_id } = change;
  return events.push({ entity_type, entity_id, event_type, revision_id, json_patch }) - 1;
}

type Create = HubChange & { event_type: 'create' };

function create(work: Work, change: Create): Outcome {
  const { entity_type: type, entity_id, revision_id } = change;
  const value = entityOf(change);
  const conversation =
    type === 'message' ? work.entities.get(keyOf('conversation', String(value['conversationId']))) : undefined;
  if (type === 'message' && !conversation) {
    throw new Refused('not-found', 'The message’s conversation is not on the hub yet.');
  }
  const seq = conversation && nextNumber(work, conversation, value['seq']);
  const body = checked(type, { deletedAt: null, ...value, alternatives: [], ...(conversation ? { seq } : {}) });
  if (body.id !== entity_id) throw new Refused('bad-request', 'The entity has another id than the change.');
  if (conversation && seq !== undefined) {
    work.taken.add(claimKey(conversation.body.id, seq));
    const lastMessageSequence = Math.max(seq, conversation.lastMessageSequence);
    Object.assign(conversation, { lastMessageSequence, state: touched(conversation) });
  }
  const lastMessageSequence = type === 'conversation' ? ((body as HubConversation).publishedSeq ?? 0) : 0;
  const entity: Entity = { type, body, revisions: [revision_id], lastMessageSequence, state: 'new' };
  work.entities.set(keyOf(type, entity_id), entity);
  const event = emit(work, change, [{ op: 'add', path: '', value: body }]);
  return { outcome: 'applied', event, ...messageSequence(entity) };
}

/** The number that a message had when its conversation was published, if that is kept for it; otherwise the next one. */
function nextNumber({ taken }: Work, { body, lastMessageSequence }: Entity, claimed: unknown): number {
  const kept = Number((body as HubConversation).publishedSeq ?? 0);
  const isKept = Number.isInteger(claimed) && Number(claimed) >= 1 && Number(claimed) <= kept;
  return isKept && !taken.has(claimKey(body.id, Number(claimed))) ? Number(claimed) : lastMessageSequence + 1;
}

/** The answer to a creation that was done before. The id decides, as the content may have been edited since. */
function repeated(work: Work, change: Create, entity: Entity): Outcome {
  if (entity.body['conversationId'] !== entityOf(change)['conversationId']) {
    throw new Refused('bad-request', 'The id is taken by a message of another conversation.');
  }
  return { outcome: 'duplicate', ...(madeBefore(work, change) ?? { sequence: null }), ...messageSequence(entity) };
}

function entityOf({ json_patch }: Create): Record<string, unknown> {
  const value = applyPatch(undefined, json_patch);
  if (isRecord(value)) return value;
  throw new Refused('bad-request', 'The patch must add the whole entity at the path “”.');
}

function messageSequence({ type, body }: Entity): { message_sequence?: number } {
  return type === 'message' ? { message_sequence: (body as HubMessage).seq } : {};
}

type Remove = HubChange & { event_type: 'delete' };

function remove(work: Work, change: Remove, entity: Entity): Outcome {
  if (entity.body.deletedAt !== null) return { outcome: 'duplicate', sequence: null };
  if (!entity.revisions.includes(change.base_revision_id)) {
    throw new Refused('conflict', 'It was edited meanwhile. Look at it, then delete it again.');
  }
  const text: Patch = [
    { op: 'replace', path: '/content', value: '' },
    { op: 'replace', path: '/parts', value: null },
    { op: 'replace', path: '/alternatives', value: [] },
  ];
  // A conversation can be restored, so it keeps what it has.
  const json_patch: Patch = [
    { op: 'replace', path: '/deletedAt', value: work.now },
    ...(entity.type === 'message' ? text : []),
  ];
  const body = checked(entity.type, applyPatch(entity.body, json_patch));
  Object.assign(entity, { body, revisions: [change.revision_id], state: touched(entity) });
  return { outcome: 'applied', event: emit(work, change, json_patch) };
}

type Update = HubChange & { event_type: 'update' };

/** Keeps an edit that came too late beside the one that won. */
function keep(work: Work, change: Update, entity: Entity): Outcome {
  const { revision_id: revisionId, base_revision_id: baseRevisionId, json_patch: patch } = change;
  if (entity.body.alternatives.length >= MAX_ALTERNATIVES) {
    throw new Refused('conflict', `There are ${MAX_ALTERNATIVES} versions beside the present one already.`);
  }
  const alternative: Alternative = { revisionId, baseRevisionId, userId: work.userId, createdAt: work.now, patch };
  const json_patch: Patch = [{ op: 'add', path: '/alternatives/-', value: alternative }];
  const body = checked(entity.type, applyPatch(entity.body, json_patch));
  Object.assign(entity, { body, revisions: [...entity.revisions, revisionId], state: touched(entity) });
  return { outcome: 'conflict', event: emit(work, change, json_patch) };
}

/** What the author of an edit does not decide on. */
const FIXED = ['id', 'conversationId', 'seq', 'publishedSeq', 'createdAt'];

function updated({ type, body: before }: Entity, patch: Patch): Entity['body'] {
  const after = checked(type, applyPatch(before, patch));
  const restores = type === 'conversation' && after.deletedAt === null;
  if (before.deletedAt !== null && !restores) throw new Refused('deleted', 'It was deleted.');
  if (after.deletedAt !== before.deletedAt && !restores) {
    throw new Refused('bad-request', 'An edit cannot delete; send a “delete”.');
  }
  if (FIXED.some((name) => !equal(after[name], before[name]))) {
    throw new Refused('bad-request', `An edit cannot change ${FIXED.join(', ')}.`);
  }
  if (!after.alternatives.every((one) => before.alternatives.some((other) => equal(one, other)))) {
    throw new Refused('bad-request', 'An edit can remove alternatives, but neither change nor add them.');
  }
  return after;
}

function checked(type: EntityType, value: unknown): Entity['body'] {
  const parsed = v.safeParse<typeof HubConversation | typeof HubMessage>(
    type === 'conversation' ? HubConversation : HubMessage,
    value,
  );
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const reason = issue.type === 'max_length' ? 'too-large' : 'bad-request';
  throw new Refused(reason, `This is no valid ${type}: ${v.getDotPath(issue) ?? 'value'}: ${issue.message}`);
}

function touched({ state }: Entity): Entity['state'] {
  return state === 'new' ? 'new' : 'changed';
}

function refusal(error: unknown): { reason: Refusal; message: string; length?: number } {
  if (error instanceof Refused) return { reason: error.reason, message: error.message };
  if (!(error instanceof DevChatError)) throw error;
  const length = error instanceof PatchError && error.length !== undefined ? { length: error.length } : {};
  return { reason: error.reason as Refusal, message: error.message, ...length };
}

/** By what an entity is found in {@link Situation}. */
export function keyOf(type: EntityType, id: string): string {
  return `${type} ${id}`;
}

/** By what a claimed number is found in {@link Situation}. */
export function claimKey(conversationId: string, seq: number): string {
  return `${conversationId} ${seq}`;
}
