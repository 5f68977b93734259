import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createToken, listTokens, revokeToken } from '../../src/hub/tokens.ts';
import { CLOSE_CODES } from '../../src/protocol/hub.ts';
import { newConversation } from './support/changes.ts';
import { HubClient } from './support/client.ts';
import { get, useHubs } from './support/hubs.ts';

const idOf = (token: string) => token.split('_')[1] ?? '';

describe('tokens', () => {
  const hubs = useHubs();

  it('stand for a user in a workspace', async () => {
    const hub = await hubs.start();
    const [ann, bob] = [await hubs.token('team', 'ann'), await hubs.token('team', 'bob')];
    const [one, other] = [await hubs.connect(hub, ann), await hubs.connect(hub, bob)];
    await one.push([newConversation()]);
    await other.push([newConversation()]);
    assert.deepEqual(
      (await other.pullAll()).map(({ user_id }) => user_id),
      ['ann', 'bob'],
    );
    const { workspace_id, user_id } = await other.hello();
    assert.deepEqual([(await one.hello()).workspace_id, user_id], [workspace_id, 'bob']);
  });

  it('are stored as hashes only, listed without secrets, and logged nowhere', async () => {
    const hub = await hubs.start();
    const { owner } = hubs.database;
    const token = await createToken(owner, randomUUID(), 'ann');
    await (await hubs.connect(hub, token)).push([newConversation()]);
    await get(hub, '/chat/conversations', token);
    await get(hub, `/chat/messages?token=${token}`, token);
    const secret = token.slice(-43);
    const { rows } = await owner.query('SELECT t.*, encode(secret_hash, $1) AS hash FROM tokens t', ['base64']);
    const places = [rows, await listTokens(owner), (await get(hub, '/metrics')).body, hub.log];
    assert.doesNotMatch(JSON.stringify(places), new RegExp(secret, 'u'));
    assert.ok(
      (await listTokens(owner)).some(
        ({ id, user, revokedAt }) => id === idOf(token) && user === 'ann' && revokedAt === null,
      ),
    );
  });

  it('are refused when there is anything wrong with them, on every way in', async () => {
    const hub = await hubs.start();
    const token = await hubs.token();
    const another = await hubs.token();
    const changed = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
    const wrong = [
      'x',
      changed,
      token.replace(idOf(token), randomUUID()),
      token.replace(idOf(token), idOf(another)),
      `${token}A`,
      `${token}'--`,
    ];
    for (const bad of wrong) {
      assert.equal((await get(hub, '/chat/conversations', bad)).status, 401);
      await assert.rejects(hubs.dial(hub, bad), /401/u);
    }
    assert.equal((await get(hub, '/chat/conversations')).status, 401);
    assert.equal((await get(hub, `/chat/conversations?token=${token}&access_token=${token}`)).status, 401);
    assert.equal((await get(hub, '/chat/conversations', token)).status, 200);
  });

  it('do not help a browser to a WebSocket', async () => {
    const hub = await hubs.start();
    const token = await hubs.token();
    await assert.rejects(HubClient.dial(hub.url, token, { origin: 'http://127.0.0.1' }), /403/u);
    await assert.rejects(HubClient.dial(`${hub.url}/else`, token), /404/u);
  });

  it('end their sessions on every hub when they are revoked, and no others', async () => {
    const all = [await hubs.start(), await hubs.start()] as const;
    const [token, other] = [await hubs.token('crew'), await hubs.token('crew')];
    const sessions = [await hubs.connect(all[0], token), await hubs.connect(all[1], token)];
    const colleague = await hubs.connect(all[0], other);
    assert.ok(await revokeToken(hubs.database.owner, idOf(token)));
    for (const { closed } of sessions) assert.equal((await closed).code, CLOSE_CODES.token_revoked);
    await assert.rejects(hubs.dial(all[0], token), /401/u);
    assert.equal((await get(all[0], '/chat/conversations', token)).status, 401);
    assert.equal((await colleague.pull(0)).events.length, 0);
  });

  it('end their sessions too when the notification is lost', async () => {
    const hub = await hubs.start({ tokenCheckInterval: 20 });
    const token = await hubs.token();
    const session = await hubs.connect(hub, token);
    await hubs.database.owner.query('UPDATE tokens SET revoked_at = now() WHERE id = $1', [idOf(token)]);
    assert.equal((await session.closed).code, CLOSE_CODES.token_revoked);
  });

  it('are not found twice', async () => {
    assert.equal(await revokeToken(hubs.database.owner, randomUUID()), false);
  });
});
