import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection, Server } from 'node:net';
import { mock } from 'node:test';
import { socketTransport } from '../../../src/sync/peers/socketTransport.ts';
import { environmentIn, useEnvironment, useTempDirectory } from '../../support/tempDirectory.ts';

describe('transport over sockets', () => {
  const directory = useTempDirectory();
  useEnvironment(() => environmentIn(directory));

  it('tells of a connection that could not be accepted, and accepts the next one', async () => {
    const listen = mock.method(Server.prototype, 'listen');
    const failures: string[] = [];
    let accepted = 0;
    const listener = await socketTransport.listen(
      (connection) => {
        accepted++;
        connection.destroy();
      },
      (error) => failures.push(error.message),
    );
    const server = listen.mock.calls[0]?.this;
    listen.mock.restore();
    assert.ok(server instanceof Server);
    // What the system says when no descriptor is left.
    server.emit('error', new Error('accept EMFILE'));
    await once(createConnection(listener.endpoint), 'close');
    assert.deepEqual([failures, accepted], [['accept EMFILE'], 1]);
    await listener.close();
  });

  it('finds nobody where a socket is gone, and a dead one where it refuses', async () => {
    const listener = await socketTransport.listen(
      (connection) => connection.destroy(),
      (error) => assert.fail(error),
    );
    const { endpoint } = listener;
    const peer = { endpoint, startedAt: Date.now() };
    const connection = await socketTransport.dial(peer);
    assert.ok(typeof connection === 'object');
    connection.destroy();
    await listener.close();
    assert.equal(await socketTransport.dial(peer), process.platform === 'win32' ? 'gone' : 'unreachable');
    assert.equal(await socketTransport.dial({ endpoint, startedAt: 0 }), 'gone');
  });
});
