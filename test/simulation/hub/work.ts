import {
  createConversation,
  deleteConversation,
  renameConversation,
  restoreConversation,
} from '../../../src/store/conversations.ts';
import { addMessage, deleteMessage, updateMessage, writeMessage } from '../../../src/store/messages.ts';
import { shareConversation, unshareConversation } from '../../../src/store/replica/sharing.ts';
import type { Machine } from '../machine.ts';
import type { HubServer } from './connection.ts';
import type { ModelHub } from './hub.ts';
import type { Replica } from './replica.ts';

/** A text that an edit has replaced by another one. */
interface Edit {
  messageId: string;
  before: string;
  after: string;
}

/** The hub, its machines, and what their users have done. */
export interface World {
  machine: Machine;
  server: HubServer;
  backup: ModelHub | undefined;
  replicas: Replica[];
  /** Messages that were acknowledged, and their conversations. */
  acknowledged: Map<string, string>;
  /** Every text that was ever asked to be stored, by message. */
  texts: Map<string, Set<string>>;
  /** The edits that were committed. */
  edits: Edit[];
  /** Messages of which more was edited than the text. */
  marked: Set<string>;
  /** Messages whose deletion was asked for. */
  deleted: Set<string>;
  /** Conversations that users keep to themselves, and whether that was acknowledged. */
  kept: Map<string, boolean>;
  /** The hub has lost what it had confirmed. */
  isRestored: boolean;
}

type Deed = (world: World, replica: Replica) => unknown;

/** An id in the form of a UUID. */
export function newId({ machine }: World): string {
  return machine
    .bytes(16)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/u, '$1-$2-$3-$4-$5');
}

function anyId({ machine }: World, { db }: Replica, table: 'conversations' | 'messages'): string {
  const ids = db.sql(`SELECT id FROM ${table} WHERE deleted_at IS NULL ORDER BY id`).pluck().all() as string[];
  return ids.length === 0 ? '' : machine.random.pick(ids);
}

function remember({ texts }: World, messageId: string, text: string): void {
  texts.set(messageId, (texts.get(messageId) ?? new Set()).add(text));
}

async function add(world: World, replica: Replica): Promise<void> {
  const conversationId = anyId(world, replica, 'conversations');
  const [id, content] = [newId(world), newId(world)];
  const role = world.machine.random.pick(['user', 'assistant'] as const);
  remember(world, id, content);
  await replica.request('add', async (db, origin) => {
    await addMessage(db, origin, { conversationId, role, content, id });
    world.acknowledged.set(id, conversationId);
  });
}

function edit(world: World, replica: Replica): Promise<void> {
  const [messageId, after] = [anyId(world, replica, 'messages'), newId(world)];
  remember(world, messageId, after);
  return replica.request('edit', (db, origin) =>
    db.write(() => {
      const before = String(db.sql('SELECT content FROM messages WHERE id = ?').pluck().get(messageId));
      writeMessage(db, origin, { messageId, content: after });
      world.edits.push({ messageId, before, after });
    }),
  );
}

function mark(world: World, replica: Replica): Promise<void> {
  const [messageId, name] = [anyId(world, replica, 'messages'), newId(world)];
  world.marked.add(messageId);
  return replica.request('mark', (db, origin) => updateMessage(db, origin, { messageId, parts: [{ name }] }));
}

function remove(world: World, replica: Replica): Promise<void> {
  const messageId = anyId(world, replica, 'messages');
  world.deleted.add(messageId);
  return replica.request('delete', (db, origin) => deleteMessage(db, origin, messageId));
}

function create(world: World, replica: Replica): Promise<void> {
  const id = newId(world);
  const isPrivate = world.machine.chance(30);
  if (isPrivate) world.kept.set(id, false);
  return replica.request('create', async (db, origin) => {
    await createConversation(db, origin, { id, title: 'new' });
    if (!isPrivate) return;
    await unshareConversation(db, origin, id);
    world.kept.set(id, true);
  });
}

function share(world: World, replica: Replica): Promise<void> | undefined {
  const id = anyId(world, replica, 'conversations');
  if (world.kept.has(id)) return undefined;
  return replica.request('share', (db, origin) => shareConversation(db, origin, id));
}

function restore(world: World, replica: Replica): Promise<void> {
  const ids = replica.db.sql('SELECT id FROM conversations WHERE deleted_at IS NOT NULL ORDER BY id').pluck();
  const id = world.machine.random.pick(['', ...(ids.all() as string[])]);
  return replica.request('restore', (db, origin) => restoreConversation(db, origin, id));
}

/** Somebody shares a conversation, in which the others then take part. */
export async function begin(world: World): Promise<void> {
  const [replica] = world.replicas;
  if (!replica) return;
  await create(world, replica);
  await share(world, replica);
}

/** What users do. Each failure is one that they see. */
const deeds: readonly [weight: number, deed: Deed][] = [
  [10, add],
  [6, edit],
  [2, mark],
  [1, remove],
  [1, create],
  [2, share],
  [
    2,
    (world, replica) => {
      const [id, title] = [anyId(world, replica, 'conversations'), newId(world)];
      return replica.request('rename', (db, origin) => renameConversation(db, origin, id, title));
    },
  ],
  [
    0.5,
    (world, replica) => {
      const id = anyId(world, replica, 'conversations');
      return replica.request('bin', (db, origin) => deleteConversation(db, origin, id));
    },
  ],
  [1, restore],
];

/** Does one thing at one machine. */
export function work(world: World): void {
  const { machine, replicas } = world;
  const replica = machine.random.pick(replicas);
  void machine.random.weighted(deeds)(world, replica);
}
