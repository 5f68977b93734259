import assert from 'node:assert/strict';
import { MAX_ALTERNATIVES } from '../../src/protocol/hub.ts';
import { deleteConversation, renameConversation, restoreConversation } from '../../src/store/conversations.ts';
import { deleteMessage, updateMessage } from '../../src/store/messages.ts';
import { purgeConversations, removePurged } from '../../src/store/purge.ts';
import { otherVersions } from '../../src/store/replica/alternatives.ts';
import { takeChanges } from '../../src/store/replica/replica.ts';
import { useHubs } from '../hub/support/hubs.ts';
import { converged, type TestReplica, useReplicas } from './support/replicas.ts';

describe('edits on two machines', () => {
  const hubs = useHubs();
  const replicas = useReplicas();

  /** Two machines with one message, and a way to keep them from the hub. */
  async function apart(content?: string) {
    const hub = await hubs.start();
    const connecting = { url: hub.url, token: await hubs.token() };
    const { ann, bob, conversationId, message } = await replicas.startTwo(connecting, content);
    await Promise.all([ann.disconnect(), bob.disconnect()]);
    const meet = async (...order: TestReplica[]) => {
      for (const one of order) {
        one.connect(connecting);
        await one.settled();
      }
      if (order.length > 1) await converged(ann, bob);
    };
    /** Pushes what a machine has to tell, which the machine does not hear of, and cleans the log. */
    const pushUnheard = async ({ db }: TestReplica) => {
      const changes = await db.write(() => takeChanges(db, 'ann', { changes: 9, length: 1e6 }));
      await (await hubs.connect(hub, connecting.token)).push(changes);
      const { owner } = hubs.database;
      await owner.query('UPDATE workspaces SET pruned_through = last_sequence WHERE last_sequence > 1');
      await owner.query('DELETE FROM change_events');
    };
    return { ann, bob, connecting, conversationId, messageId: message.id, meet, pushUnheard };
  }

  it('let the first to arrive hold, keep the other one, and tell its author', async () => {
    const { ann, bob, conversationId, messageId, meet } = await apart();
    await ann.edit(messageId, 'by Ann');
    await bob.edit(messageId, 'by Bob');
    await meet(ann, bob);
    assert.deepEqual(bob.contents(conversationId), ['by Ann']);
    assert.deepEqual(bob.lost, ['by Bob']);
    assert.deepEqual(ann.lost, []);
    await ann.until(() => otherVersions(ann.db, conversationId).length > 0);
    for (const { db } of [ann, bob]) {
      const [version, ...others] = otherVersions(db, conversationId);
      assert.deepEqual(
        [version?.seq, version?.text, version?.present, version?.userId],
        [1, 'by Bob', 'by Ann', 'ann'],
      );
      assert.deepEqual(others, []);
    }
  });

  it('can be read by themselves where they lost, with the title first', async () => {
    const { ann, bob, conversationId, messageId, meet } = await apart();
    await ann.edit(messageId, 'by Ann');
    await renameConversation(ann.db, ann.origin, conversationId, 'Talk of Ann');
    await bob.edit(messageId, 'first, and more by Bob');
    await renameConversation(bob.db, bob.origin, conversationId, 'Talk of Bob');
    await meet(ann, bob);
    await ann.until(() => otherVersions(ann.db, conversationId).length === 2);
    assert.deepEqual(
      otherVersions(ann.db, conversationId).map(({ seq, text, present }) => [seq, text, present]),
      [
        [null, 'Talk of Bob', 'Talk of Ann'],
        [1, 'first, and more by Bob', 'by Ann'],
      ],
    );
  });

  it('are told as data where they are about no text', async () => {
    const { ann, bob, conversationId, messageId, meet } = await apart();
    for (const { db, origin } of [ann, bob]) await updateMessage(db, origin, { messageId, parts: { by: origin } });
    await meet(ann, bob);
    await ann.until(() => otherVersions(ann.db, conversationId).length > 0);
    const [version] = otherVersions(ann.db, conversationId);
    assert.deepEqual(
      [version?.text, version?.present].map((json) => JSON.parse(json ?? '')),
      [{ parts: { by: bob.origin } }, { parts: { by: ann.origin } }],
    );
  });

  it('stay with their author when the hub keeps too many others', async () => {
    const { ann, bob, connecting, conversationId, messageId, meet } = await apart();
    await ann.edit(messageId, 'by Ann');
    await meet(ann);
    await hubs.database.owner.query(`UPDATE messages SET body = jsonb_set(body, '{alternatives}', $2) WHERE id = $1`, [
      messageId,
      JSON.stringify(Array.from({ length: MAX_ALTERNATIVES }, () => ({}))),
    ]);
    await bob.edit(messageId, 'by Bob');
    bob.connect(connecting);
    await bob.until(() => bob.client?.status().problem != null);
    assert.match(bob.client?.status().problem ?? '', /versions beside the present one/u);
    assert.deepEqual([bob.contents(conversationId), bob.lost], [['by Bob'], []]);
  });

  it('lose alone, without what was done afterwards', async () => {
    const { ann, bob, conversationId, meet } = await apart();
    await renameConversation(ann.db, ann.origin, conversationId, 'by Ann');
    await renameConversation(bob.db, bob.origin, conversationId, 'by Bob');
    await deleteConversation(bob.db, bob.origin, conversationId);
    await meet(ann, bob);
    const state = ann.db.sql('SELECT title, deleted_at IS NULL AS isLive FROM conversations');
    assert.deepEqual(state.get(), { title: 'by Ann', isLive: 0 });
    assert.deepEqual(
      [bob.lost, otherVersions(bob.db, conversationId).map(({ text }) => text)],
      [['by Bob'], ['by Bob']],
    );
  });

  it('are joined when they change different things', async () => {
    const { ann, bob, conversationId, messageId, meet } = await apart();
    await ann.edit(messageId, 'by Ann');
    await updateMessage(bob.db, bob.origin, { messageId, parts: { stopped: true } });
    await meet(ann, bob);
    assert.deepEqual(ann.contents(conversationId), ['by Ann']);
    const { parts } = ann.db.sql('SELECT json(parts) AS parts FROM messages WHERE id = ?').get(messageId) as {
      parts: string;
    };
    assert.deepEqual(JSON.parse(parts), { stopped: true });
    assert.deepEqual(otherVersions(ann.db, conversationId), []);
  });

  it('send what was added to a text, and no more', async () => {
    const { ann, bob, conversationId, messageId, meet } = await apart('x'.repeat(50_000));
    await ann.edit(messageId, `${'x'.repeat(50_000)} and so on`);
    await meet(ann, bob);
    assert.deepEqual(
      bob.contents(conversationId).map((text) => text.length),
      [50_010],
    );
    const { rows } = await hubs.database.owner.query(
      `SELECT json_patch FROM change_events WHERE entity_id = $1 ORDER BY sequence DESC LIMIT 1`,
      [messageId],
    );
    const [operation] = rows[0].json_patch;
    assert.deepEqual(operation, { op: 'append', path: '/content', text: ' and so on', offset: 50_000 });
  });

  it('bring texts that are too long for one change in pieces', async () => {
    const { ann, bob, conversationId, meet } = await apart();
    // The first piece would end inside a character.
    const long = `a${'😀'.repeat(1_000_001)}`;
    await ann.add(conversationId, long);
    await meet(ann, bob);
    assert.ok(bob.contents(conversationId)[1] === long);
    assert.deepEqual(bob.db.sql('SELECT DISTINCT status FROM messages').pluck().all(), ['complete']);
  });

  it('delete and restore for both', async () => {
    const { ann, bob, conversationId, messageId, meet } = await apart();
    await deleteMessage(ann.db, ann.origin, messageId);
    await renameConversation(bob.db, bob.origin, conversationId, 'Renamed');
    await deleteConversation(bob.db, bob.origin, conversationId);
    await meet(ann, bob);
    assert.deepEqual(ann.contents(conversationId), []);
    const state = ann.db.sql('SELECT title, deleted_at IS NULL AS isLive FROM conversations');
    assert.deepEqual(state.get(), { title: 'Renamed', isLive: 0 });
    await restoreConversation(ann.db, ann.origin, conversationId);
    ann.client?.look();
    await bob.until(() => bob.db.sql('SELECT deleted_at FROM conversations').pluck().get() === null);
    await converged(ann, bob);
    assert.deepEqual(state.get(), { title: 'Renamed', isLive: 1 });
  });

  it('hold against a deletion by somebody who has not seen them', async () => {
    const { ann, bob, conversationId, messageId, meet } = await apart();
    await ann.edit(messageId, 'by Ann');
    await deleteMessage(bob.db, bob.origin, messageId);
    await meet(ann, bob);
    assert.deepEqual(bob.contents(conversationId), ['by Ann']);
    assert.deepEqual([bob.lost, bob.refused], [[], ['by Ann']]);
  });

  it('are the same deletion when both delete', async () => {
    const { ann, bob, conversationId, messageId, meet } = await apart();
    await deleteMessage(ann.db, ann.origin, messageId);
    await deleteMessage(bob.db, bob.origin, messageId);
    await meet(ann, bob);
    assert.deepEqual(bob.contents(conversationId), []);
    assert.deepEqual([ann.lost, bob.lost], [[], []]);
  });

  it('leave alone what one of them has deleted for good', async () => {
    const { ann, bob, conversationId, messageId, meet } = await apart('canary-5d1e');
    await purgeConversations(bob.db, bob.origin, [conversationId]);
    await removePurged(bob.db, (body) => bob.db.write(body));
    await ann.edit(messageId, 'by Ann');
    await ann.add(conversationId, 'canary-5d1e again');
    for (const one of [ann, bob]) await meet(one);
    const kept = ['messages', 'hub_entities', 'hub_outbox'].map((table) => bob.db.sql(`SELECT * FROM ${table}`).all());
    assert.doesNotMatch(JSON.stringify(kept), /canary-5d1e|by Ann/u);
    assert.deepEqual(bob.db.sql('SELECT title FROM conversations').pluck().all(), ['']);
  });

  it('are kept once when the log was cleaned before their author got to know that they had lost', async () => {
    const { ann, bob, conversationId, messageId, meet, pushUnheard } = await apart();
    await ann.edit(messageId, 'by Ann');
    await meet(ann);
    await bob.edit(messageId, 'by Bob');
    await pushUnheard(bob);
    await meet(bob);
    assert.deepEqual([bob.contents(conversationId), bob.lost], [['by Ann'], ['by Bob']]);
    assert.deepEqual(
      otherVersions(bob.db, conversationId).map(({ text }) => text),
      ['by Bob'],
    );
  });

  it('come to rest when the log was cleaned before a purge got to know that the hub had taken it', async () => {
    const { ann, conversationId, meet, pushUnheard } = await apart();
    await purgeConversations(ann.db, ann.origin, [conversationId]);
    await pushUnheard(ann);
    await meet(ann);
    assert.equal(ann.waiting, 0);
  });
});
