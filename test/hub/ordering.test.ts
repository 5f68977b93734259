import assert from 'node:assert/strict';
import pg from 'pg';
import { connectionSettings } from '../../src/hub/database.ts';
import type { ChangeEvent, HubChange, HubMessage, MessagesPage } from '../../src/protocol/hub.ts';
import { edit, fold, newConversation, newMessage, numbers, replaceContent } from './support/changes.ts';
import type { HubClient } from './support/client.ts';
import { get, useHubs } from './support/hubs.ts';

describe('order of events', () => {
  const hubs = useHubs();

  /** A connection as the hub has them, inside a transaction of a token. */
  async function asHub(token: string): Promise<pg.Client> {
    const client = new pg.Client(connectionSettings(hubs.database.hubUrl, 20_000));
    await client.connect();
    hubs.defer(() => client.end());
    await client.query('BEGIN');
    await client.query(`SELECT set_config('devchat.token', $1, true)`, [token.replace('devchat_', '')]);
    return client;
  }

  async function workspaceOf(client: HubClient): Promise<string> {
    const welcome = await client.hello();
    return welcome.workspace_id;
  }

  /** Resolves when a push of the hub waits for a lock. */
  async function waitsForLock(): Promise<void> {
    for (;;) {
      const { rows } = await hubs.database.owner.query(
        `SELECT FROM pg_stat_activity WHERE application_name = 'devchat-hub' AND wait_event_type = 'Lock'
           AND datname = current_database()`,
      );
      if (rows.length > 0) return;
    }
  }

  it('has no event missed whose transaction is held open before it takes its number', async () => {
    const hub = await hubs.start();
    const token = await hubs.token();
    const [slow, fast] = [await hubs.connect(hub, token), await hubs.connect(hub, token)];
    const conversation = newConversation();
    const [held, other] = [newMessage(conversation.entity_id), newMessage(conversation.entity_id)];
    await slow.push([conversation, held, other]);
    const holder = await asHub(token);
    await holder.query('SELECT FROM messages WHERE id = $1 FOR UPDATE', [held.entity_id]);
    const heldPush = slow.push([replaceContent(held, 'held')]);
    await waitsForLock();
    await fast.push([replaceContent(other, 'later, but committed first')]);
    const seen = await fast.pullAll();
    await holder.query('COMMIT');
    const [result] = await heldPush;
    const rest = await fast.pullAll(seen.at(-1)?.sequence);
    assert.deepEqual(
      [...seen, ...rest].map(({ sequence }) => sequence),
      numbers(1, 5),
    );
    assert.equal(rest[0]?.entity_id, held.entity_id);
    assert.equal(result?.outcome === 'applied' && result.sequence, 5);
  });

  it('lets no later event be seen while a transaction that has its number is open', async () => {
    const hub = await hubs.start();
    const token = await hubs.token();
    const client = await hubs.connect(hub, token);
    const workspaceId = await workspaceOf(client);
    const reader = await hubs.connect(hub, await hubs.token());
    await client.push([newConversation()]);
    const holder = await asHub(token);
    await holder.query(
      `WITH counter AS (UPDATE workspaces SET last_sequence = last_sequence + 1 RETURNING last_sequence)
       INSERT INTO change_events(workspace_id, sequence, entity_type, entity_id, user_id, event_type, revision_id,
         json_patch, push_end, size)
       SELECT $1, last_sequence, 'conversation', gen_random_uuid(), 'x', 'update', gen_random_uuid(), '[]', last_sequence, 2
       FROM counter`,
      [workspaceId],
    );
    const pushed = client.push([newConversation()]);
    await waitsForLock();
    // Another workspace's writers do not wait.
    await reader.push([newConversation()]);
    const { body } = await get<{ latest_sequence: number }>(hub, '/chat/conversations', await hubs.token(workspaceId));
    assert.equal(body.latest_sequence, 0, 'a workspace of that name is another one');
    await holder.query('COMMIT');
    const [result] = await pushed;
    assert.equal(result?.outcome === 'applied' && result.sequence, 3);
    assert.deepEqual(
      (await client.pullAll()).map(({ sequence }) => sequence),
      [1, 2, 3],
    );
  });

  it('is gap-free and complete for every puller while 8 write through two hubs', async () => {
    const all = [await hubs.start(), await hubs.start()] as const;
    const token = await hubs.token();
    const conversations = [newConversation(), newConversation(), newConversation()];
    const first = await hubs.connect(all[0], token);
    await first.push(conversations);
    const PUSHES = 25;
    let writing = true;
    const write = async (writer: number) => {
      const client = await hubs.connect(all[writer % 2 === 0 ? 0 : 1], token);
      for (let index = 0; index < PUSHES; index++) {
        const conversation = conversations[(writer + index) % conversations.length] ?? assert.fail();
        const message = newMessage(conversation.entity_id, `${writer}/${index}`);
        const second = newMessage(conversations[index % 3]?.entity_id ?? '', `${writer}/${index} too`);
        const append: HubChange = edit(message, [
          { op: 'append', path: '/content', offset: `${writer}/${index}`.length, text: '!' },
        ]);
        const shared = edit(conversation, [{ op: 'replace', path: '/title', value: `${writer}/${index}` }]);
        const results = await client.push(
          index % 5 === 0 ? [message, second, append, shared] : [message, second, append],
        );
        assert.ok(results.slice(0, 3).every(({ outcome }) => outcome === 'applied'));
      }
    };
    const pull = async (puller: number): Promise<ChangeEvent[]> => {
      const client = await hubs.connect(all[puller % 2 === 0 ? 0 : 1], token);
      const events: ChangeEvent[] = [];
      for (;;) {
        const wasWriting = writing;
        events.push(...(await client.pullAll(events.at(-1)?.sequence, 1 + puller * 50)));
        if (!wasWriting) return events;
      }
    };
    const pullers = [0, 1, 2, 3].map(pull);
    await Promise.all(numbers(0, 7).map(write));
    writing = false;
    const replicas = await Promise.all(pullers);
    const [reference] = replicas;
    assert.ok(reference && reference.length >= 8 * PUSHES * 3);
    for (const events of replicas) {
      assert.deepEqual(
        events.map(({ sequence }) => sequence),
        numbers(1, events.length),
      );
      assert.deepEqual(events, reference);
    }
    const state = fold(reference);
    for (const { entity_id } of conversations) {
      const messages = [...state.values()].filter(
        (entity) => (entity as HubMessage).conversationId === entity_id,
      ) as HubMessage[];
      assert.deepEqual(
        messages.map(({ seq }) => seq).sort((a, b) => a - b),
        numbers(1, messages.length),
      );
      const { body } = await get<MessagesPage>(
        all[0],
        `/chat/messages?conversation_id=${entity_id}&from_seq=1&to_seq=500`,
        token,
      );
      // State and events are the same thing.
      assert.deepEqual(
        body.messages.map(({ revisionId: _, updatedAt: __, ...rest }) => rest),
        messages.sort((a, b) => a.seq - b.seq),
      );
    }
  });

  it('makes a push whole or not at all when its connection to PostgreSQL is killed', async () => {
    const hub = await hubs.start();
    const token = await hubs.token();
    const client = await hubs.connect(hub, token);
    const conversation = newConversation();
    await client.push([conversation]);
    const pushed = [newMessage(conversation.entity_id), newMessage(conversation.entity_id)];
    const holder = await asHub(token);
    // The push has written its messages when it asks for the counter.
    await holder.query('UPDATE workspaces SET last_sequence = last_sequence');
    const failed = client.ask({ type: 'push', changes: pushed }, 'error');
    await waitsForLock();
    await hubs.database.owner.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'devchat-hub' AND wait_event_type = 'Lock' AND datname = current_database()`,
    );
    assert.equal((await failed).code, 'unavailable');
    await holder.query('ROLLBACK');
    assert.equal((await client.pullAll()).length, 1);
    const results = await client.push(pushed);
    assert.deepEqual(
      results.map((result) => result.outcome === 'applied' && [result.sequence, result.message_sequence]),
      [
        [2, 1],
        [3, 2],
      ],
    );
  });

  it('commits no change without its event, though the token is revoked between the two', async () => {
    const hub = await hubs.start();
    const token = await hubs.token();
    const client = await hubs.connect(hub, token);
    const workspaceId = await workspaceOf(client);
    const conversation = newConversation();
    await client.push([conversation]);
    const message = newMessage(conversation.entity_id);
    const holder = await asHub(token);
    await holder.query(
      `INSERT INTO messages(workspace_id, id, conversation_id, sequence, body, revisions, size)
       VALUES ($1, $2, $3, 1, '{}', '{}', 2)`,
      [workspaceId, message.entity_id, conversation.entity_id],
    );
    const failed = client.ask({ type: 'push', changes: [message] }, 'error');
    await waitsForLock();
    const { owner } = hubs.database;
    await owner.query('UPDATE tokens SET revoked_at = now() WHERE workspace_id = $1', [workspaceId]);
    await holder.query('ROLLBACK');
    assert.equal((await failed).code, 'unavailable');
    const { rows } = await owner.query('SELECT FROM messages WHERE workspace_id = $1', [workspaceId]);
    assert.equal(rows.length, 0);
  });

  it('survives pushes that create the same at the same time', async () => {
    const all = [await hubs.start(), await hubs.start()] as const;
    const token = await hubs.token();
    const clients = await Promise.all(numbers(0, 7).map((index) => hubs.connect(all[index % 2 === 0 ? 0 : 1], token)));
    const conversation = newConversation();
    const messages = numbers(1, 5).map((index) => newMessage(conversation.entity_id, `${index}`));
    await Promise.all(clients.map((client) => client.push([conversation, ...messages])));
    const events = await clients[0]?.pullAll();
    assert.deepEqual(
      events?.map(({ entity_id }) => entity_id),
      [conversation, ...messages].map(({ entity_id }) => entity_id),
    );
  });
});
