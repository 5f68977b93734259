import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MAX_HANDSHAKE_FRAME, type PeerFrame } from '../../../src/protocol/peer.ts';
import { encodeFrame } from '../../../src/sync/peers/frames.ts';
import { PeerLink } from '../../../src/sync/peers/peerLink.ts';
import { ManualClock } from '../../support/clock.ts';
import { introduce, RawPeer } from '../../support/peers.ts';
import { useTempDirectory } from '../../support/tempDirectory.ts';

const SECRET = 'secret';

describe('link to a peer', () => {
  const directory = useTempDirectory();
  let server: Server;
  let endpoint: string;
  let accepted: Promise<Socket>;
  let clock: ManualClock;

  beforeEach(async () => {
    endpoint =
      process.platform === 'win32'
        ? `\\\\.\\pipe\\devchat-test-${process.pid}-${Date.now()}`
        : join(directory.path, 'link.sock');
    clock = new ManualClock();
    server = createServer();
    accepted = once(server, 'connection').then(([socket]) => socket);
    server.listen(endpoint);
    await once(server, 'listening');
  });

  afterEach(async () => {
    (await accepted).destroy();
    server.close();
  });

  /** A link at the listening end, with what it told. */
  async function listen() {
    const platform = { clock, randomBytes };
    const ports = { self: introduce('Listener'), secret: SECRET, platform };
    const told = { ready: 0, frames: [] as PeerFrame[] };
    const { promise: closed, resolve } = Promise.withResolvers<string | undefined>();
    const link = new PeerLink(await accepted, 'listener', ports, {
      ready: () => told.ready++,
      frame: (_, frame) => told.frames.push(frame),
      closed: (_, problem) => resolve(problem),
    });
    return { link, told, closed };
  }

  /** A link and the raw end that has proved itself to it. */
  async function connected() {
    const [peer, end] = await Promise.all([RawPeer.prove(endpoint, SECRET), listen()]);
    return { peer, ...end };
  }

  it('is ready when the peer has proved itself, and carries frames both ways', async () => {
    const { peer, link, told } = await connected();
    assert.deepEqual([told.ready, link.peer], [1, peer.self]);
    link.send({ type: 'nudge', changeId: 7 });
    assert.deepEqual(await peer.frame(2), { type: 'nudge', changeId: 7 });
  });

  it('skips frames that it does not know, and those that are damaged', async () => {
    const { peer, told, closed } = await connected();
    for (const frame of [{ type: 'from the future' }, { type: 'nudge', changeId: 'x' }, [], { type: 'ping' }]) {
      peer.send(frame);
    }
    peer.socket.end();
    assert.equal(await closed, undefined);
    assert.deepEqual(told.frames, [{ type: 'ping' }]);
  });

  it('is cut when the peer does not know the secret', async () => {
    const [peer, { closed, told }] = await Promise.all([
      RawPeer.prove(endpoint, 'another').catch(() => undefined),
      listen(),
    ]);
    assert.match((await closed) ?? '', /secret/);
    assert.deepEqual([told.ready, peer], [0, undefined]);
  });

  it('is cut when frames come before the proof', async () => {
    const [peer, { closed, told }] = await Promise.all([RawPeer.connect(endpoint), listen()]);
    peer.send({ type: 'nudge', changeId: 1 });
    assert.match((await closed) ?? '', /no hello/);
    assert.deepEqual([told.ready, told.frames], [0, []]);
  });

  it('accepts no large frame before the proof', async () => {
    const [peer, { closed }] = await Promise.all([RawPeer.connect(endpoint), listen()]);
    peer.send({ text: 'x'.repeat(MAX_HANDSHAKE_FRAME) });
    assert.match((await closed) ?? '', /too large/);
  });

  it('accepts a larger one after it, but not without end', async () => {
    const { peer, closed, told } = await connected();
    peer.send({ type: 'ping', text: 'x'.repeat(MAX_HANDSHAKE_FRAME) });
    peer.socket.write(Buffer.from([0x7f, 0xff, 0xff, 0xff]));
    assert.match((await closed) ?? '', /too large/);
    assert.deepEqual(told.frames, [{ type: 'ping' }]);
  });

  for (const dribble of [[], [0], [0, 0, 0, 9, 1]]) {
    it(`is cut when after ${dribble.length} bytes of a handshake no more come`, async () => {
      const [peer, { closed }] = await Promise.all([RawPeer.connect(endpoint), listen()]);
      peer.socket.write(Buffer.from(dribble));
      await peer.frame(0);
      clock.advance(2000);
      assert.match((await closed) ?? '', /handshake took too long/);
      await peer.closed;
    });
  }

  it('is cut when a frame does not come to its end, though bytes keep coming', async () => {
    const { peer, link, closed } = await connected();
    const socket = await accepted;
    for (const byte of encodeFrame({ type: 'ping' }).subarray(0, 5)) {
      peer.socket.write(Buffer.from([byte]));
      await once(socket, 'data');
      clock.advance(400);
    }
    assert.match((await closed) ?? '', /frame took too long/);
    assert.equal(link.peer?.editor, 'Raw');
  });

  it('lives on when slow frames come to their ends', async () => {
    const { peer, told } = await connected();
    const socket = await accepted;
    for (const byte of Buffer.concat([encodeFrame({ type: 'ping' }), encodeFrame({ type: 'pong' })])) {
      peer.socket.write(Buffer.from([byte]));
      await once(socket, 'data');
      clock.advance(100);
    }
    assert.deepEqual([told.frames.map(({ type }) => type), socket.destroyed], [['ping', 'pong'], false]);
  });

  it('is cut when the peer reads too slowly, long before memory runs out', async () => {
    const { peer, link, closed } = await connected();
    peer.socket.pause();
    let isClosed = false;
    void closed.then(() => {
      isClosed = true;
    });
    let sent = 0;
    for (; !isClosed; sent++) {
      link.send({ type: 'nudge', changeId: sent });
      if (sent % 1000 === 0) await nextTurn();
      assert.ok(sent < 1_000_000);
    }
    assert.match((await closed) ?? '', /too slowly/);
    // After its end a link swallows what is sent.
    link.send({ type: 'ping' });
  });
});
