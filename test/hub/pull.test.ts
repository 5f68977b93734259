import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { ConversationsPage, MessagesPage } from '../../src/protocol/hub.ts';
import { MAX_PULL } from '../../src/protocol/hub.ts';
import { edit, fold, newConversation, newMessage, numbers, remove } from './support/changes.ts';
import { get, metric, useHubs } from './support/hubs.ts';

describe('pull', () => {
  const hubs = useHubs();

  it('ends a page only where a push ends, whatever its limit', async () => {
    const client = await hubs.connect(await hubs.start());
    const conversation = newConversation();
    const sizes = [1, 5, 3, 1, 1, 7];
    const ends: number[] = [];
    await client.push([conversation]);
    for (const size of sizes) {
      const results = await client.push(numbers(1, size).map(() => newMessage(conversation.entity_id)));
      const last = results.at(-1);
      ends.push(last?.outcome === 'applied' ? last.sequence : 0);
    }
    for (const limit of numbers(1, 20)) {
      let last = 0;
      for (let more = true; more; ) {
        const page = await client.pull(last, limit);
        assert.deepEqual(
          page.events.map(({ sequence }) => sequence),
          numbers(last + 1, last + page.events.length),
        );
        last = page.events.at(-1)?.sequence ?? last;
        more = page.has_more;
        assert.ok([1, ...ends].includes(last));
      }
      assert.equal(last, 19);
    }
  });

  it('bounds a page by its size', async () => {
    const client = await hubs.connect(await hubs.start());
    const conversation = newConversation();
    await client.push([conversation]);
    for (let index = 0; index < 5; index++)
      await client.push([newMessage(conversation.entity_id, 'x'.repeat(400_000))]);
    const pages = [];
    for (let last = 0; last < 6; last = pages.at(-1)?.events.at(-1)?.sequence ?? 6) pages.push(await client.pull(last));
    assert.deepEqual(
      pages.map(({ events }) => events.length),
      [3, 2, 1],
    );
    assert.deepEqual(
      pages.map(({ has_more }) => has_more),
      [true, true, false],
    );
  });

  it('gives who starts from the lists the same as who starts from the log', async () => {
    const hub = await hubs.start();
    const token = await hubs.token();
    const client = await hubs.connect(hub, token);
    const conversations = numbers(1, 5).map(() => newConversation());
    const messages = conversations.flatMap(({ entity_id }) =>
      numbers(1, 4).map((index) => newMessage(entity_id, `${index}`)),
    );
    await client.push([...conversations, ...messages]);
    await client.push([
      remove(messages[3] ?? assert.fail()),
      edit(messages[5] ?? assert.fail(), [{ op: 'replace', path: '/parts', value: [{ type: 'text', text: 'x' }] }]),
    ]);
    const state = new Map<string, unknown>();
    let after = '';
    for (let more = true; more; ) {
      const { body } = await get<ConversationsPage>(hub, `/chat/conversations?limit=2${after}`, token);
      for (const { lastMessageSequence, revisionId: _, updatedAt: __, ...conversation } of body.conversations) {
        assert.equal(lastMessageSequence, 4);
        state.set(conversation.id, conversation);
      }
      after = `&after=${body.conversations.at(-1)?.id}`;
      more = body.has_more;
      assert.equal(body.latest_sequence, 27);
    }
    for (const id of [...state.keys()]) {
      const { body } = await get<MessagesPage>(hub, `/chat/messages?conversation_id=${id}&from_seq=2&to_seq=3`, token);
      assert.deepEqual(
        body.messages.map(({ seq }) => seq),
        [2, 3],
      );
      const whole = await get<MessagesPage>(hub, `/chat/messages?conversation_id=${id}&from_seq=0&to_seq=99`, token);
      for (const { revisionId: _, updatedAt: __, ...message } of whole.body.messages) state.set(message.id, message);
    }
    const folded = fold(await client.pullAll());
    assert.deepEqual(new Map([...state].sort()), new Map([...folded].sort()));
  });

  it('answers ranges of at most 500 messages and says when there are more', async () => {
    const hub = await hubs.start();
    const token = await hubs.token();
    const client = await hubs.connect(hub, token);
    const conversation = newConversation();
    await client.push([conversation]);
    for (let index = 0; index < 2; index++)
      await client.push(numbers(1, 300).map(() => newMessage(conversation.entity_id)));
    const range = (from: number, to: number) =>
      get<MessagesPage>(
        hub,
        `/chat/messages?conversation_id=${conversation.entity_id}&from_seq=${from}&to_seq=${to}`,
        token,
      );
    const { body } = await range(1, 600);
    assert.deepEqual([body.messages.length, body.last_sequence, body.has_more], [MAX_PULL, 600, true]);
    assert.deepEqual((await range(501, 600)).body.has_more, false);
    assert.deepEqual((await range(700, 800)).body.messages, []);
  });

  it('refuses questions that make no sense', async () => {
    const hub = await hubs.start();
    const token = await hubs.token();
    const statuses = [
      '/chat/messages',
      '/chat/messages?conversation_id=x&from_seq=1&to_seq=2',
      `/chat/messages?conversation_id=${randomUUID()}&from_seq=a&to_seq=2`,
      `/chat/messages?conversation_id=${randomUUID()}&from_seq=1&to_seq=2`,
      '/chat/conversations?limit=501',
      '/chat/nothing',
    ].map(async (path) => (await get(hub, path, token)).status);
    assert.deepEqual(await Promise.all(statuses), [400, 400, 400, 404, 400, 404]);
  });

  it('keeps the acknowledged place of a replica, which never falls', async () => {
    const hub = await hubs.start();
    const token = await hubs.token();
    const client = await hubs.connect(hub, token, randomUUID());
    await client.push([newConversation(), newConversation(), newConversation()]);
    const acknowledge = async (up_to_sequence: number) =>
      (await client.ask({ type: 'ack_changes', up_to_sequence }, 'changes_acknowledged')).sequence;
    assert.deepEqual([await acknowledge(2), await acknowledge(1), await acknowledge(3)], [2, 2, 3]);
    const beyond = await client.ask({ type: 'ack_changes', up_to_sequence: 4 }, 'error');
    assert.equal(beyond.code, 'resync_required');
    const nameless = await hubs.connect(hub, token);
    assert.equal((await nameless.ask({ type: 'ack_changes', up_to_sequence: 1 }, 'error')).code, 'bad_frame');
  });

  it('sends a client to validate whose place is not in the log', async () => {
    const client = await hubs.connect(await hubs.start());
    await client.push([newConversation()]);
    const answer = await client.ask({ type: 'get_changes_since', last_sequence: 2 }, 'error');
    assert.equal(answer.code, 'resync_required');
  });

  describe('after a clean-up', () => {
    /** Makes the workspace's events look as old as they must be to go. */
    const age = async (workspaceId: string, days: number) => {
      const { owner } = hubs.database;
      await owner.query(
        `UPDATE change_events SET created_at = created_at - $2 * interval '1 day' WHERE workspace_id = $1`,
        [workspaceId, days],
      );
      await owner.query(`UPDATE cursors SET seen_at = seen_at - $2 * interval '1 day' WHERE workspace_id = $1`, [
        workspaceId,
        days,
      ]);
    };

    async function removed(hub: { url: string; close(): Promise<void> }, count: number): Promise<void> {
      while ((await metric(hub, 'devchat_hub_removed_events_total')) < count);
    }

    it('lacks old events but none that a replica waits for, and sends who is behind to validate', async () => {
      const hub = await hubs.start({ cleanUpInterval: 20 });
      const token = await hubs.token();
      const replica = await hubs.connect(hub, token, randomUUID());
      const { workspace_id } = await replica.hello(randomUUID());
      await replica.push(numbers(1, 10).map(() => newConversation()));
      await replica.ask({ type: 'ack_changes', up_to_sequence: 4 }, 'changes_acknowledged');
      await age(workspace_id, 8);
      await removed(hub, 4);
      assert.deepEqual(
        (await replica.pull(4)).events.map(({ sequence }) => sequence),
        numbers(5, 10),
      );
      const behind = await hubs.connect(hub, token);
      assert.equal(
        (await behind.ask({ type: 'get_changes_since', last_sequence: 3 }, 'error')).code,
        'resync_required',
      );
      // The lists have all that the log lacks.
      const { body } = await get<ConversationsPage>(hub, '/chat/conversations', token);
      assert.deepEqual([body.conversations.length, body.latest_sequence], [10, 10]);
      // Nobody waits for a replica that has not been seen for a month.
      await age(workspace_id, 31);
      await removed(hub, 10);
      assert.deepEqual((await replica.pull(10)).events, []);
      await replica.push([newConversation()]);
      assert.deepEqual(
        (await replica.pull(10)).events.map(({ sequence }) => sequence),
        [11],
      );
    });

    it('lacks nothing that is young', async () => {
      const hub = await hubs.start({ cleanUpInterval: 20 });
      const [old, young] = [await hubs.connect(hub), await hubs.connect(hub)];
      const { workspace_id } = await old.hello();
      for (const client of [young, old]) await client.push([newConversation()]);
      await age(workspace_id, 8);
      await removed(hub, 1);
      assert.equal((await young.pull(0)).events.length, 1);
    });
  });
});
