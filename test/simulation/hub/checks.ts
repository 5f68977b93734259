import { incompleteConversations } from '../../../src/hubClient/comparison.ts';
import { readLink } from '../../../src/store/replica/link.ts';
import { nextEntries } from '../../../src/store/replica/outbox.ts';
import { unfitSyncStates } from '../../../src/store/syncState.ts';
import type { ModelHub } from './hub.ts';
import type { Replica } from './replica.ts';
import type { World } from './work.ts';

/** What differs from how it must be when nothing happens any more. */
export function problems({ server: { hub }, replicas }: World): string[] {
  const expected = digestOf(hub);
  return [...numberProblems(hub), ...replicas.flatMap((replica) => replicaProblems(replica, hub, expected))];
}

function numberProblems(hub: ModelHub): string[] {
  return hub.conversations.flatMap(({ body: { id }, lastMessageSequence }) => {
    const numbers = hub.messages(id).map(({ body: { seq } }) => seq);
    const isWhole = numbers.length === lastMessageSequence && numbers.every((seq, index) => seq === index + 1);
    return isWhole ? [] : [`${id} has the numbers ${numbers.join()} of ${lastMessageSequence}`];
  });
}

function replicaProblems({ name, process, db, client }: Replica, hub: ModelHub, expected: string): string[] {
  if (process.hasEnded) return [`${name} does not run`];
  const { state, problem } = client.status();
  const link = readLink(db);
  return [
    ...(state === 'connected' ? [] : [`${name} is not connected: ${problem}`]),
    ...(problem === null ? [] : [`${name} has a problem: ${problem}`]),
    ...nextEntries(db, 1).map(({ type, id }) => `${name} has not told of ${type} ${id}`),
    ...(link?.epoch === hub.epoch ? [] : [`${name} knows the hub as ${link?.epoch}`]),
    ...(link?.cursor === hub.head ? [] : [`${name} has come to ${link?.cursor} of ${hub.head}`]),
    ...(digestOfReplica(db) === expected ? [] : [`${name} holds something else than the hub`]),
    ...[...unfitSyncStates(db), ...incompleteConversations(db)].map((id) => `${name} has miscounted ${id}`),
  ];
}

/** Everything that replicas and the hub have to agree on. */
function digestOf(hub: ModelHub): string {
  const conversations = hub.conversations.map(({ body, lastMessageSequence }) => {
    const { id, title, source, deletedAt } = body;
    return [id, title, source, lastMessageSequence, deletedAt === null ? 1 : 0];
  });
  const messages = hub.conversations.flatMap(({ body: { id: conversationId } }) =>
    hub.messages(conversationId).map(({ body }) => {
      const { id, seq, role, author, content, status, model } = body;
      const [parts, alternatives] = [body.parts, body.alternatives].map((value) => value && JSON.stringify(value));
      const isLive = body.deletedAt === null ? 1 : 0;
      return [id, conversationId, seq, role, author, content, parts, status, model, isLive, alternatives];
    }),
  );
  return JSON.stringify([conversations, messages]);
}

function digestOfReplica(db: Replica['db']): string {
  const conversations = db.sql(
    `SELECT id, title, source, last_seq, deleted_at IS NULL FROM conversations WHERE authority = 'hub' ORDER BY id`,
  );
  const messages = db.sql(
    `SELECT m.id, conversation_id, seq, role, author, content, json(parts), status, model, m.deleted_at IS NULL,
       (SELECT json_extract(body, '$.alternatives') FROM hub_entities e WHERE e.id = m.id)
     FROM messages m JOIN conversations c ON c.id = conversation_id
     WHERE c.authority = 'hub' ORDER BY conversation_id, seq`,
  );
  return JSON.stringify([conversations.raw().all(), messages.raw().all()]);
}

/** Reports what was acknowledged and is not there, and what is there and nobody wrote. */
export function assertNothingLost(world: World): void {
  const { machine, server, replicas, kept } = world;
  const { hub } = server;
  const shared = new Map(hub.conversations.map(({ body: { id } }) => [id, hub.messages(id)]));
  for (const [id, conversationId] of world.acknowledged) {
    const holders = replicas.filter(({ db }) => db.sql('SELECT 1 FROM messages WHERE id = ?').get(id));
    const isShared = shared.has(conversationId);
    if (holders.length < (isShared ? replicas.length : 1)) machine.report(`message ${id} is lost`);
    if (isShared && !shared.get(conversationId)?.some(({ body }) => body.id === id)) {
      machine.report(`message ${id} is not on the hub`);
    }
  }
  for (const { body } of [...shared.values()].flat()) {
    const isKnown = body.deletedAt === null ? world.texts.get(body.id)?.has(body.content) : world.deleted.has(body.id);
    if (!isKnown) machine.report(`message ${body.id} says what nobody wrote`);
    // Who deletes has seen what was there; a restored hub may go back behind edits that it had confirmed.
    if (!world.isRestored && !world.deleted.has(body.id)) assertNoEditLost(world, body);
  }
  for (const [id, isAcknowledged] of kept) {
    if (isAcknowledged && shared.has(id)) machine.report(`${id} is on the hub, though it is private`);
  }
  machine.assertSound();
}

type Body = ReturnType<ModelHub['messages']>[number]['body'];

/** An edit holds, or is kept beside the one that does, and not both; or it was replaced by somebody who had seen it. */
function assertNoEditLost({ machine, edits, marked }: World, { id, content, alternatives }: Body): void {
  const present = JSON.stringify([content, alternatives]);
  const own = edits.filter(({ messageId }) => messageId === id);
  for (const { after } of own) {
    const places = present.split(after).length - 1;
    // What is joined with another edit was kept as an alternative before.
    if (places > 1 && !marked.has(id)) machine.report(`the edit “${after}” of message ${id} is there ${places} times`);
    const isSeen = places > 0 || own.some(({ before }) => before === after);
    if (!isSeen) machine.report(`the edit “${after}” of message ${id} is lost`);
  }
}
