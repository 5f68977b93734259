import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { mock } from 'node:test';
import { systemClock } from '../../../src/sync/clock.ts';

const DAY = 86_400_000;

describe('clock of the machine', () => {
  it('goes on evenly when somebody sets it, and tells the time that was set', () => {
    const [now, wallTime] = [systemClock.now(), systemClock.wallTime()];
    const setBack = mock.method(Date, 'now', () => wallTime - DAY);
    try {
      assert.ok(systemClock.now() >= now);
      assert.equal(systemClock.wallTime(), wallTime - DAY);
      setBack.mock.mockImplementation(() => wallTime + DAY);
      assert.ok(systemClock.now() < now + DAY);
    } finally {
      setBack.mock.restore();
    }
  });

  it('lets a turn pass only when those were served who came meanwhile, wherever the turn began', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [[socket]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
      [Socket],
      unknown,
    ];
    try {
      const order: string[] = [];
      const passed = new Promise<void>((resolve) => {
        // This is called while the loop takes in what sockets bring, which it does once a turn.
        client.once('data', () => {
          systemClock.nextTurn(() => {
            order.push('turn');
            resolve();
          });
          client.write('asks');
        });
      });
      socket.once('data', () => order.push('served'));
      socket.write('go');
      await passed;
      assert.deepEqual(order, ['served', 'turn']);
    } finally {
      client.destroy();
      server.close();
    }
  });
});
