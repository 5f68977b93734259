import assert from 'node:assert/strict';
import pg from 'pg';
import { connectionSettings } from '../../src/hub/database.ts';
import { HUB_ROLE } from '../../src/hub/migrations.ts';
import type { ConversationsPage } from '../../src/protocol/hub.ts';
import { edit, newConversation, newMessage, remove, replaceContent } from './support/changes.ts';
import { get, type TestHub, useHubs } from './support/hubs.ts';

const SECRET = 'canary-7f3a';

describe('isolation of workspaces', () => {
  const hubs = useHubs();
  let hub: TestHub;

  beforeEach(async () => {
    hub = await hubs.start();
  });

  /** A workspace with a conversation and a message that nobody else may see. */
  async function guarded() {
    const token = await hubs.token();
    const client = await hubs.connect(hub, token);
    const { workspace_id } = await client.hello();
    const conversation = newConversation(undefined, SECRET);
    const message = newMessage(conversation.entity_id, SECRET);
    await client.push([conversation, message]);
    return { token, client, workspaceId: workspace_id, conversation, message };
  }

  /** A connection with the hub's own login and settings, for SQL written by hand. */
  async function byHand(): Promise<pg.Client> {
    const client = new pg.Client(connectionSettings(hubs.database.hubUrl, 20_000));
    await client.connect();
    hubs.defer(() => client.end());
    return client;
  }

  async function tenantTables(): Promise<string[]> {
    const { rows } = await hubs.database.owner.query(
      `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_migrations' ORDER BY 1`,
    );
    return rows.map(({ relname }) => relname);
  }

  it('is forced on every table, against a role that neither owns it nor logs in nor bypasses it', async () => {
    assert.deepEqual(await tenantTables(), [
      'change_events',
      'conversations',
      'cursors',
      'messages',
      'tokens',
      'workspaces',
    ]);
    const { rows } = await hubs.database.owner.query(
      `SELECT relname, relrowsecurity AND relforcerowsecurity AS forced, pg_get_userbyid(relowner) AS owner FROM pg_class
       WHERE relname = ANY($1)`,
      [await tenantTables()],
    );
    assert.ok(
      rows.every(({ forced, owner }) => forced && owner !== HUB_ROLE),
      JSON.stringify(rows),
    );
    const { rows: roles } = await hubs.database.owner.query(
      'SELECT rolsuper, rolbypassrls, rolcanlogin, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = $1',
      [HUB_ROLE],
    );
    assert.deepEqual(Object.values(roles[0]), [false, false, false, false, false]);
    const client = await byHand();
    assert.equal((await client.query('SELECT current_user')).rows[0].current_user, HUB_ROLE);
    await client.query('RESET ROLE');
    assert.equal((await client.query('SELECT current_user')).rows[0].current_user, HUB_ROLE);
  });

  it('holds against SQL written by hand', async () => {
    const victim = await guarded();
    const attacker = await guarded();
    const client = await byHand();
    const readable = ['change_events', 'conversations', 'cursors', 'messages', 'workspaces'];
    for (const table of readable) {
      assert.deepEqual((await client.query(`SELECT * FROM ${table}`)).rows, [], `${table}, with no token shown`);
    }
    await client.query('BEGIN');
    await client.query(`SELECT set_config('devchat.token', $1, true)`, [attacker.token.replace('devchat_', '')]);
    for (const table of readable) {
      const owner = table === 'workspaces' ? 'id' : 'workspace_id';
      const { rows } = await client.query(`SELECT DISTINCT ${owner} AS workspace FROM ${table}`);
      assert.deepEqual(rows, table === 'cursors' ? [] : [{ workspace: attacker.workspaceId }], table);
      assert.equal((await client.query(`SELECT FROM ${table} WHERE ${owner} = $1`, [victim.workspaceId])).rowCount, 0);
    }
    assert.equal(
      (await client.query('UPDATE messages SET body = body WHERE workspace_id = $1', [victim.workspaceId])).rowCount,
      0,
    );
    assert.equal(
      (await client.query('DELETE FROM change_events WHERE workspace_id = $1', [victim.workspaceId])).rowCount,
      0,
    );
    const hostile = [
      `INSERT INTO conversations(workspace_id, id, body, revisions) VALUES ('${victim.workspaceId}', gen_random_uuid(), '{}', '{}')`,
      `UPDATE messages SET workspace_id = '${victim.workspaceId}'`,
      'SELECT * FROM tokens',
      'UPDATE workspaces SET name = name',
      'DELETE FROM messages',
      'ALTER TABLE messages DISABLE ROW LEVEL SECURITY',
      'DROP POLICY own_workspace ON messages',
      'SET ROLE devchat_owner',
      'SET ROLE postgres',
      'CREATE TABLE public.mine()',
      `COPY messages TO PROGRAM 'cat'`,
    ];
    for (const statement of hostile) {
      await client.query('SAVEPOINT before');
      await assert.rejects(client.query(statement), pg.DatabaseError, statement);
      await client.query('ROLLBACK TO before');
    }
    // After the transaction the connection belongs to nobody again.
    await client.query('COMMIT');
    assert.equal((await client.query('SELECT * FROM messages')).rowCount, 0);
  });

  it('cannot be told of a workspace whose token nobody has shown', async () => {
    const victim = await guarded();
    const client = await byHand();
    const id = victim.token.slice('devchat_'.length, 'devchat_'.length + 36);
    const [{ secret_hash }] = (await client.query('SELECT secret_hash FROM find_token($1)', [id])).rows;
    const guesses = {
      'devchat.workspace': victim.workspaceId,
      'devchat.token': [
        victim.workspaceId,
        id,
        `${id}_`,
        `${id}_${secret_hash.toString('base64url')}`,
        `${id}_${secret_hash.toString('hex')}`,
        `${id}_${'A'.repeat(43)}`,
      ],
    };
    for (const [setting, values] of Object.entries(guesses)) {
      for (const value of [values].flat()) {
        await client.query('BEGIN');
        await client.query('SELECT set_config($1, $2, true)', [setting, value]);
        for (const table of ['workspaces', 'conversations', 'messages', 'change_events', 'cursors']) {
          assert.equal((await client.query(`SELECT * FROM ${table}`)).rowCount, 0, `${table} by ${setting} ${value}`);
        }
        await client.query('ROLLBACK');
      }
    }
    const shown = async () => {
      await client.query('BEGIN');
      await client.query(`SELECT set_config('devchat.token', $1, true)`, [victim.token.replace('devchat_', '')]);
      const { rowCount } = await client.query('SELECT * FROM messages');
      await client.query('ROLLBACK');
      return rowCount;
    };
    assert.equal(await shown(), 1);
    await hubs.database.owner.query('UPDATE tokens SET revoked_at = now() WHERE id = $1', [id]);
    assert.equal(await shown(), 0);
  });

  it('keeps canaries in on every way that the hub offers', async () => {
    const victim = await guarded();
    const token = await hubs.token();
    const attacker = await hubs.connect(hub, token);
    const { conversation, message } = victim;
    const stolen = [
      replaceContent(message, 'x'),
      edit(conversation, [{ op: 'copy', from: '/title', path: '/source' }]),
      remove(message),
      newMessage(conversation.entity_id),
    ];
    const results = await attacker.push(stolen);
    assert.ok(
      results.every((result) => result.outcome === 'refused' && result.reason === 'not-found'),
      JSON.stringify(results),
    );
    await victim.client.push([newMessage(conversation.entity_id, SECRET)]);
    victim.client.send({
      type: 'stream',
      piece: { conversationId: 'c', messageId: 'm', runId: 'r', offset: 0, text: SECRET },
    });
    await victim.client.pull(0);
    const seen = [
      await attacker.pullAll(),
      (await get(hub, '/chat/conversations', token)).body,
      await get(hub, `/chat/messages?conversation_id=${conversation.entity_id}&from_seq=1&to_seq=9`, token),
      (await get(hub, '/metrics')).body,
      (await get(hub, '/healthz')).body,
      attacker.frames,
      hub.log,
    ];
    assert.doesNotMatch(JSON.stringify(seen), new RegExp(SECRET, 'u'));
    assert.equal(
      (await get(hub, `/chat/messages?conversation_id=${conversation.entity_id}&from_seq=1&to_seq=9`, token)).status,
      404,
    );
  });

  it('lets two workspaces use the same ids without noticing one another', async () => {
    const victim = await guarded();
    const token = await hubs.token();
    const other = await hubs.connect(hub, token);
    const { conversation, message } = victim;
    const results = await other.push([
      newConversation(conversation.entity_id, 'mine'),
      newMessage(conversation.entity_id, 'mine', message.entity_id),
    ]);
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['applied', 'applied'],
    );
    const { body } = await get<ConversationsPage>(hub, '/chat/conversations', victim.token);
    assert.deepEqual(
      body.conversations.map(({ title }) => title),
      [SECRET],
    );
  });

  it('does not start where the role could look around it', async () => {
    const { owner } = hubs.database;
    await owner.query(`ALTER ROLE ${HUB_ROLE} BYPASSRLS`);
    hubs.defer(() => owner.query(`ALTER ROLE ${HUB_ROLE} NOBYPASSRLS`));
    await assert.rejects(hubs.start(), { reason: 'refused' });
  });
});
