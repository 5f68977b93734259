import { v7 as uuid } from 'uuid';
import type { Entity } from '../../src/hub/decide.ts';
import type { Fact } from '../../src/ingest/adapter.ts';
import { commitBatch } from '../../src/ingest/commit.ts';
import { Preparation } from '../../src/ingest/prepare.ts';
import { redactStored } from '../../src/ingest/redactStored.ts';
import { expireOld } from '../../src/ingest/retention.ts';
import type { Batch } from '../../src/ingest/transcript.ts';
import type { EntityType, HubChange } from '../../src/protocol/hub.ts';
import type { ChangeType } from '../../src/protocol/model.ts';
import { branchConversation } from '../../src/store/branch.ts';
import { pruneChanges } from '../../src/store/changeLog.ts';
import {
  createConversation,
  deleteConversation,
  markRead,
  renameConversation,
  restoreConversation,
  updateConversation,
} from '../../src/store/conversations.ts';
import type { Database } from '../../src/store/database.ts';
import { type LeaderRecord, writeAsLeader } from '../../src/store/leader.ts';
import { addMessage, deleteMessage, findMessage, updateMessage } from '../../src/store/messages.ts';
import { purgeConversations, purgeDue } from '../../src/store/purge.ts';
import { findEntity } from '../../src/store/replica/entities.ts';
import { keepBack } from '../../src/store/replica/outbox.ts';
import { OutOfStep, ReplicaUpdate, takeChanges } from '../../src/store/replica/replica.ts';
import { shareConversation, unshareConversation } from '../../src/store/replica/sharing.ts';
import { abandonStreams, beginStream, checkpointStream, endStream, interruptStreams } from '../../src/store/streams.ts';
import { verify } from '../../src/store/verify.ts';
import { systemClock } from '../../src/sync/clock.ts';
import type { ModelHub } from '../simulation/hub/hub.ts';
import { origin } from './database.ts';

const DAY = 24 * 3_600_000;

/** A secret that a transcript holds when nobody looks for any. */
export const SECRET = `ghp_${'a1B2'.repeat(9)}`;

/** One of two instances, both of which write streams. */
const writerOf = (number: number) => (number % 2 === 0 ? origin : '00000000-0000-7000-8000-000000000002');

/** A database that is changed, and the hub that it shares conversations through. */
export interface World {
  db: Database;
  leader: LeaderRecord;
  hub: ModelHub;
  /** The newest event of the hub that was taken in. */
  cursor: number;
}

/** Which mutation, of what, and how. */
export interface Step {
  /** Chooses a conversation or message. */
  which: number;
  /** Chooses among the ways of doing it. */
  number: number;
  /** What a transcript says next. */
  facts: readonly Fact[];
}

type Mutation = (world: World, step: Step) => Promise<unknown>;

/** One of the last rows that a query answers with an id, so that things happen to the same ones again and again. */
function chosen({ db }: World, { which }: Step, sql: string): string {
  const ids = db.sql(`${sql} DESC LIMIT 5`).pluck().all() as string[];
  return ids[which % ids.length] ?? uuid();
}

const conversation = (world: World, step: Step) =>
  chosen(world, step, 'SELECT id FROM conversations WHERE purged_at IS NULL ORDER BY rowid');
const message = (world: World, step: Step) =>
  chosen(world, step, 'SELECT id FROM messages WHERE deleted_at IS NULL ORDER BY row_id');
const growing = (world: World, step: Step) =>
  chosen(world, step, `SELECT id FROM messages WHERE status = 'streaming' AND deleted_at IS NULL ORDER BY row_id`);

const add: Mutation = (world, step) => {
  const role = (['user', 'assistant', 'system', 'tool'] as const)[step.number % 4] ?? 'user';
  return addMessage(world.db, origin, { conversationId: conversation(world, step), role, content: `${step.number}` });
};

const addVersion: Mutation = async (world, step) => {
  const other = findMessage(world.db, message(world, step));
  if (!other) return;
  const { conversationId, role, id: alternativeOf } = other;
  await addMessage(world.db, origin, { conversationId, role, content: 'another', parts: { alternativeOf } });
};

const transcript: Mutation = ({ db, leader }, { facts, number }) => {
  const isRedacted = number % 2 === 0;
  const preparation = new Preparation('claude-code', isRedacted);
  const prepared = facts.map((fact) => preparation.fact(fact));
  const read = { position: number, size: number, modifiedAt: number % 3 };
  const batch: Batch = {
    ...{ from: 0, weight: facts.length, next: { device: '1', inode: '1', tail: '', state: '{}', ...read } },
    records: prepared.filter(({ kind }) => kind !== 'title').map((one) => ({ facts: [one] })),
    titles: prepared.filter((one) => one.kind === 'title'),
    ...{ quarantined: [], bookkeeping: 0, isRedacted, redacted: preparation.redacted, blobs: preparation.blobs },
  };
  return commitBatch(db, leader, { path: '/transcript.jsonl', source: 'claude-code' }, batch);
};

const rescan: Mutation = ({ db, leader }) =>
  redactStored(db, leader, { onCommitted: () => undefined, isStopped: () => false, clock: systemClock });

/** Takes away who writes a message, as a damage does, and repairs. */
const repairStream: Mutation = async (world, step) => {
  const id = growing(world, step);
  await world.db.write(() => world.db.sql('DELETE FROM streams WHERE message_id = ?').run(id));
  await verify(world.db, origin, true);
};

/** Lowers the newest number of a conversation, as a damage does, and repairs. */
const repairNumbers: Mutation = async (world, step) => {
  const id = conversation(world, step);
  await world.db.write(() =>
    world.db.sql('UPDATE conversations SET last_seq = last_seq - 1 WHERE id = ? AND last_seq > 0').run(id),
  );
  await verify(world.db, origin, true);
};

const update: Mutation = (world, step) => {
  const { number } = step;
  const changes = [{ content: `text ${number}` }, { parts: { stopped: true } }, { status: 'error' as const }][
    number % 3
  ];
  return updateMessage(world.db, origin, { messageId: message(world, step), ...changes });
};

/** Tells the hub what was changed here, as the instance does, and takes in what it has. */
const exchange: Mutation = async (world, step) => {
  const { db, hub } = world;
  const changes = await db.write(() => takeChanges(db, 'ada', { changes: 1 + (step.which % 9), length: 10_000 }));
  const results = hub.push('ada', changes);
  await takeIn(world, (taking) => {
    for (const [index, result] of results.entries()) {
      if (result.outcome !== 'refused') continue;
      const change = changes[index];
      const entity = change && findEntity(db, change.entity_type, change.entity_id);
      if (entity && change.event_type === 'delete') taking.yieldTo(entity);
      else keepBack(db, result.entity_id, result.message);
    }
  });
  const { events } = hub.changesSince(world.cursor, 1000) ?? { events: [] };
  world.cursor = hub.head;
  try {
    await takeIn(world, (taking) => {
      for (const event of events) taking.apply(event);
    });
  } catch (error) {
    if (!(error instanceof OutOfStep)) throw error;
    await compare(world);
  }
};

function takeIn({ db }: World, work: (taking: ReplicaUpdate) => void): Promise<void> {
  return db.write(() => {
    const taking = new ReplicaUpdate(db);
    work(taking);
    taking.finish();
  });
}

/** Takes in everything that the hub has, whatever was known before. */
function compare(world: World): Promise<void> {
  const { hub } = world;
  const all = hub.conversations.flatMap((one) => [one, ...hub.messages(one.body.id)]);
  return takeIn(world, (taking) => {
    for (const { type, body, revisions } of all) {
      taking.adopt({ type, id: body.id, revisionId: revisions.at(-1) ?? '', sequence: hub.head, body });
    }
  });
}

/** What somebody does on another machine, and what then comes of it here. */
function elsewhere(change: (hub: ModelHub, step: Step) => HubChange | undefined): Mutation {
  return async (world, step) => {
    const made = change(world.hub, step);
    if (made) world.hub.push('bob', [made]);
    await exchange(world, step);
  };
}

function createOnHub(entity_type: EntityType, value: object): HubChange {
  const id = uuid();
  const json_patch = [{ op: 'add' as const, path: '', value: { id, createdAt: 1, ...value } }];
  return { entity_type, entity_id: id, revision_id: uuid(), event_type: 'create', json_patch };
}

function addOnHub({ body }: Entity, { number }: Step): HubChange {
  const said = { role: 'assistant', author: null, content: `${number}`, parts: null, status: 'complete', model: null };
  return createOnHub('message', { conversationId: body.id, ...said });
}

const present = ({ type, body, revisions }: Entity) => ({
  ...{ entity_type: type, entity_id: body.id, revision_id: uuid(), base_revision_id: revisions.at(-1) ?? '' },
});

function editOnHub(entity: Entity, path: string, value: unknown): HubChange {
  return { ...present(entity), event_type: 'update', json_patch: [{ op: 'replace', path, value }] };
}

function one<T>(all: readonly T[], { which }: Step): T | undefined {
  return all[which % all.length];
}

/** A change of one of the hub's conversations that are, or are not, in the bin. */
function ofConversation(isDeleted: boolean, change: (entity: Entity, step: Step) => HubChange): Mutation {
  return elsewhere((hub, step) => {
    const entity = one(
      hub.conversations.filter(({ body }) => (body.deletedAt !== null) === isDeleted),
      step,
    );
    return entity && change(entity, step);
  });
}

/** A change of one of the hub's messages. */
function ofMessage(change: (entity: Entity, step: Step) => HubChange): Mutation {
  return elsewhere((hub, step) => {
    const messages = hub.conversations.flatMap(({ body }) => hub.messages(body.id));
    const entity = one(
      messages.filter(({ body }) => body.deletedAt === null),
      step,
    );
    return entity && change(entity, step);
  });
}

/** Everything that the store can do to a history, by what the change log says of it. */
export const mutations: Record<ChangeType, Record<string, Mutation>> = {
  ConversationCreated: {
    create: ({ db }, { number }) => createConversation(db, origin, { title: `Talk ${number}` }),
    branch: (world, step) =>
      branchConversation(world.db, origin, {
        conversationId: conversation(world, step),
        ...(step.number % 2 === 0 ? {} : { throughSeq: step.number % 10 }),
      }),
    transcript,
    createElsewhere: elsewhere(() =>
      createOnHub('conversation', { title: 'Elsewhere', source: 'chat', externalId: null }),
    ),
  },
  ConversationDeleted: {
    remove: (world, step) => deleteConversation(world.db, origin, conversation(world, step)),
    retention: ({ db, leader }, { number }) =>
      expireOld(db, leader, { before: number % 10, onCommitted: () => undefined }),
    removeElsewhere: ofConversation(false, (entity) => ({ ...present(entity), event_type: 'delete' })),
  },
  ConversationRestored: {
    restore: (world, step) => restoreConversation(world.db, origin, conversation(world, step)),
    restoreElsewhere: ofConversation(true, (entity) => editOnHub(entity, '/deletedAt', null)),
  },
  ConversationPurged: {
    purge: (world, step) => purgeConversations(world.db, origin, [conversation(world, step)]),
    expire: ({ db, leader }) => purgeDue(db, origin, (body) => writeAsLeader(db, leader, body), Date.now() + 31 * DAY),
  },
  ConversationTitleUpdated: {
    rename: (world, step) => renameConversation(world.db, origin, conversation(world, step), `Title ${step.number}`),
    transcript,
    rescan,
    renameElsewhere: ofConversation(false, (entity, { number }) => editOnHub(entity, '/title', `Title ${number}`)),
  },
  ConversationUpdated: {
    pin: (world, step) => order(world, step, { pinned: step.number % 2 === 0 }),
    archive: (world, step) => order(world, step, { archived: step.number % 2 === 0 }),
    tag: (world, step) => order(world, step, { tags: [`${step.number}`] }),
    share: (world, step) => shareConversation(world.db, origin, conversation(world, step)),
    unshare: (world, step) => unshareConversation(world.db, origin, conversation(world, step)),
  },
  ConversationRead: {
    read: (world, step) =>
      markRead(world.db, origin, conversation(world, step), step.number % 2 === 0 ? undefined : step.number % 10),
  },
  MessageAdded: {
    add,
    addVersion,
    begin: (world, step) => beginStream(world.db, writerOf(step.number), { conversationId: conversation(world, step) }),
    transcript,
    addElsewhere: ofConversation(false, addOnHub),
  },
  MessageUpdated: {
    update,
    checkpoint: (world, step) =>
      checkpointStream(world.db, writerOf(step.number), growing(world, step), 'x'.repeat(step.number)),
    end: (world, step) =>
      endStream(world.db, origin, { messageId: growing(world, step), content: 'all', status: 'complete' }),
    interrupt: ({ db, leader }, { number }) => interruptStreams(db, leader, writerOf(number)),
    abandon: ({ db }, { number }) => abandonStreams(db, writerOf(number)),
    repairStream,
    rescan,
    transcript,
    exchange,
    updateElsewhere: ofMessage((entity, { number }) => editOnHub(entity, '/content', `elsewhere ${number}`)),
  },
  MessageDeleted: {
    removeMessage: (world, step) => deleteMessage(world.db, origin, message(world, step)),
    removeMessageElsewhere: ofMessage((entity) => ({ ...present(entity), event_type: 'delete' })),
  },
};

/** What is not in the log, so that everything has to be loaded again. */
export const unlogged: Record<string, Mutation> = {
  repairNumbers,
  prune: ({ db, leader }) => writeAsLeader(db, leader, () => pruneChanges(db, Date.now() + DAY, 1e9)),
};

function order(world: World, step: Step, changes: { pinned?: boolean; archived?: boolean; tags?: string[] }) {
  return updateConversation(world.db, origin, { conversationId: conversation(world, step), ...changes });
}
