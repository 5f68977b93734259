import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { withConnection } from '../../src/hub/connect.ts';
import { startHub } from '../../src/hub/hub.ts';
import { migrate, schemaVersion } from '../../src/hub/migrate.ts';
import { migrations } from '../../src/hub/migrations.ts';
import { createToken, revokeToken } from '../../src/hub/tokens.ts';
import { newConversation, newMessage } from './support/changes.ts';
import { HubClient } from './support/client.ts';
import { useDatabase } from './support/postgres.ts';

const newest = migrations.length;

describe('migrations', () => {
  const database = useDatabase({ to: 0 });
  const login = 'devchat_login';

  afterEach(() => migrate(database.ownerUrl, { to: 0 }));

  /** Everything of ours that the database has. */
  async function schema(): Promise<unknown[]> {
    const { rows } = await database.owner.query(
      `SELECT 'column' AS kind, table_name || '.' || column_name AS name, data_type AS detail
       FROM information_schema.columns WHERE table_schema = 'public'
       UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
       UNION ALL SELECT 'policy', tablename || '.' || policyname, qual FROM pg_policies WHERE schemaname = 'public'
       UNION ALL SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
       UNION ALL SELECT 'forced', relname, NULL FROM pg_class WHERE relforcerowsecurity
       UNION ALL SELECT 'right', table_name, grantee || ' ' || privilege_type FROM information_schema.role_table_grants
         WHERE table_schema = 'public'
       ORDER BY 1, 2, 3`,
    );
    return rows;
  }

  async function startTestHub() {
    const log: string[] = [];
    return startHub({
      databaseUrl: database.hubUrl,
      host: '127.0.0.1',
      port: 0,
      logTo: { write: (line) => log.push(line) },
    });
  }

  it('lead up, down and up again to the same, step by step', async () => {
    const schemas: unknown[][] = [await schema()];
    for (let to = 1; to <= newest; to++) {
      assert.deepEqual(await migrate(database.ownerUrl, { to, login }), { from: to - 1, to });
      schemas.push(await schema());
    }
    for (let to = newest - 1; to >= 0; to--) {
      await migrate(database.ownerUrl, { to });
      assert.deepEqual(await schema(), schemas[to], `down to ${to}`);
      assert.equal(await schemaVersion(database.ownerUrl), to);
    }
    await migrate(database.ownerUrl, { login });
    assert.deepEqual(await schema(), schemas[newest]);
  });

  it('keep the history where only the newest is undone and done again', async () => {
    await migrate(database.ownerUrl, { login });
    const token = await createToken(database.owner, 'team', 'ann');
    const conversation = newConversation();
    const connect = async (url: string) => {
      const client = await HubClient.dial(url, token);
      return { client, welcome: await client.hello() };
    };
    const before = await startTestHub();
    const first = await connect(before.url);
    await first.client.push([conversation, newMessage(conversation.entity_id)]);
    const events = await first.client.pullAll();
    await before.close();

    await migrate(database.ownerUrl, { to: newest - 1 });
    await assert.rejects(startTestHub(), { reason: 'refused' });
    await migrate(database.ownerUrl, { login });
    const after = await startTestHub();
    const second = await connect(after.url);
    assert.deepEqual(await second.client.pullAll(), events);
    assert.equal(second.welcome.hub_epoch, first.welcome.hub_epoch);
    await after.close();
  });

  it('give another epoch to tables that were made anew', async () => {
    const epochs = new Set<string>();
    for (let time = 0; time < 2; time++) {
      await migrate(database.ownerUrl, { login });
      epochs.add((await database.owner.query('SELECT hub_epoch() AS epoch')).rows[0].epoch);
      await migrate(database.ownerUrl, { to: 0 });
    }
    assert.equal(epochs.size, 2);
  });

  it('are done once when several programs begin at a time', async () => {
    await Promise.all(Array.from({ length: 5 }, () => migrate(database.ownerUrl, { login })));
    assert.equal(await schemaVersion(database.ownerUrl), newest);
  });

  it('are all or nothing', async () => {
    // In the way of the third step.
    await database.owner.query('CREATE TABLE cursors()');
    await assert.rejects(migrate(database.ownerUrl, { login }), pg.DatabaseError);
    await database.owner.query('DROP TABLE cursors');
    assert.equal(await schemaVersion(database.ownerUrl), 2);
    await migrate(database.ownerUrl, { login });
  });

  it('need no superuser, and bind their owner by row-level security as well', async () => {
    const name = `owner_${randomBytes(4).toString('hex')}`;
    await database.owner.query(`CREATE ROLE ${name} LOGIN CREATEROLE PASSWORD 'secret'`);
    const { pathname } = new URL(database.ownerUrl);
    await database.owner.query(`ALTER DATABASE ${pathname.slice(1)} OWNER TO ${name}`);
    const ownerUrl = Object.assign(new URL(database.ownerUrl), { username: name, password: 'secret' }).href;
    await migrate(ownerUrl, { login });
    await withConnection(ownerUrl, async (owner) => {
      const token = await createToken(owner, 'team', 'ann');
      const hub = await startTestHub();
      const client = await HubClient.dial(hub.url, token);
      await client.hello();
      const conversation = newConversation();
      await client.push([conversation, newMessage(conversation.entity_id)]);
      assert.equal((await client.pullAll()).length, 2);
      for (const table of ['conversations', 'messages', 'change_events', 'cursors']) {
        assert.equal((await owner.query(`SELECT FROM ${table}`)).rowCount, 0, table);
      }
      assert.ok(await revokeToken(owner, token.split('_')[1] ?? ''));
      await client.closed;
      await hub.close();
    });
    await migrate(ownerUrl, { to: 0 });
    await database.owner.query(`REASSIGN OWNED BY ${name} TO CURRENT_USER; DROP OWNED BY ${name}; DROP ROLE ${name}`);
  });

  it('need an owner, and leave a newer database alone', async () => {
    await assert.rejects(migrate(database.hubUrl), { reason: 'refused' });
    await migrate(database.ownerUrl, { login });
    await database.owner.query('INSERT INTO schema_migrations VALUES ($1, now())', [newest + 1]);
    await assert.rejects(migrate(database.ownerUrl), { reason: 'newer-database' });
    await assert.rejects(startTestHub(), { reason: 'newer-database' });
    await database.owner.query('DELETE FROM schema_migrations WHERE version > $1', [newest]);
  });
});
