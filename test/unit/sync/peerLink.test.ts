import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MAX_HANDSHAKE_FRAME, type PeerFrame } from '../../../src/protocol/peer.ts';
import { encodeFrame } from '../../../src/sync/peers/frames.ts';
import { PeerLink } from '../../../src/sync/peers/peerLink.ts';
import { VirtualClock } from '../../support/clock.ts';
import { introduce, RawPeer } from '../../support/peers.ts';
import { useTempDirectory } from '../../support/tempDirectory.ts';

const SECRET = 'secret';

/** Unsent bytes at which a link is cut. */
const MAX_BACKLOG = 1 << 20;

const largePiece = { conversationId: 'c', messageId: 'm', runId: 'r', offset: 0, text: 'x'.repeat(50_000) };

/** Writes until the socket is closed; returns the largest number of bytes that were waiting. */
function fill(socket: Socket, write: () => void): number {
  let largest = 0;
  while (!socket.destroyed) {
    write();
    largest = Math.max(largest, socket.writableLength);
  }
  return largest;
}

describe('link to a peer', () => {
  const directory = useTempDirectory();
  let server: Server;
  let endpoint: string;
  let accepted: Promise<Socket>;
  let clock: VirtualClock;

  beforeEach(async () => {
    endpoint =
      process.platform === 'win32'
        ? `\\\\.\\pipe\\devchat-test-${process.pid}-${Date.now()}`
        : join(directory.path, 'link.sock');
    clock = new VirtualClock();
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
    const link = new PeerLink(await accepted, undefined, ports, {
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
    peer.socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
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

  it('is cut when a handshake does not come to its end, though a byte comes every second', async () => {
    const [peer, { closed }] = await Promise.all([RawPeer.connect(endpoint), listen()]);
    const socket = await accepted;
    for (const byte of [0, 0, 0]) {
      peer.socket.write(Buffer.from([byte]));
      await Promise.race([once(socket, 'data'), peer.closed]);
      clock.advance(1000);
    }
    assert.match((await closed) ?? '', /handshake took too long/);
  });

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

  it('carries a text whatever byte it is cut at, the bytes of an emoji included', async () => {
    const { peer, told } = await connected();
    const socket = await accepted;
    const piece = { conversationId: 'c', messageId: 'm', runId: 'r', offset: 0, text: 'Grüße 😀 日本' };
    const wire = encodeFrame({ type: 'stream', piece });
    for (let cut = 1; cut < wire.length; cut++) {
      peer.socket.write(wire.subarray(0, cut));
      await once(socket, 'data');
      peer.socket.write(wire.subarray(cut));
      await once(socket, 'data');
    }
    assert.deepEqual(told.frames, Array(wire.length - 1).fill({ type: 'stream', piece }));
  });

  it('lives on when frames follow each other without a pause, and each read ends within one', async () => {
    const { peer, told } = await connected();
    const socket = await accepted;
    const wire = encodeFrame({ type: 'ping' });
    const [head, tail] = [wire.subarray(0, 3), wire.subarray(3)];
    peer.socket.write(head);
    for (let count = 0; count < 8; count++) {
      await once(socket, 'data');
      clock.advance(500);
      peer.socket.write(Buffer.concat([tail, head]));
    }
    await once(socket, 'data');
    assert.deepEqual([told.frames.length, socket.destroyed], [8, false]);
  });

  it('is cut when the peer reads too slowly, long before memory runs out', async () => {
    const { peer, link, closed } = await connected();
    const socket = await accepted;
    peer.socket.pause();
    const largest = fill(socket, () => link.send({ type: 'stream', piece: largePiece }));
    assert.match((await closed) ?? '', /too slowly/);
    assert.ok(largest <= MAX_BACKLOG + 2 * largePiece.text.length, `${largest} bytes were waiting`);
    // After its end a link swallows what is sent.
    link.send({ type: 'ping' });
    assert.equal(socket.writableLength, 0);
  });

  it('ends after what was sent has left', async () => {
    const { peer, link } = await connected();
    link.send({ type: 'nudge', changeId: 7 });
    await Promise.all([link.end(), peer.closed]);
    assert.deepEqual(peer.frames[2], { type: 'nudge', changeId: 7 });
    assert.equal(clock.pending, 0);
  });

  it('ends in time though the peer does not read', async () => {
    const { peer, link } = await connected();
    const socket = await accepted;
    peer.socket.pause();
    while (socket.writableLength === 0) link.send({ type: 'stream', piece: largePiece });
    const ended = link.end();
    await nextTurn();
    assert.equal(socket.destroyed, false);
    clock.advance(2000);
    await ended;
    assert.equal(clock.pending, 0);
  });
});
