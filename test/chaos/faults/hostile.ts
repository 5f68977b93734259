import { createConnection, type Socket } from 'node:net';
import { encodeFrame } from '../../../src/sync/peers/frames.ts';
import { Handshake } from '../../../src/sync/peers/handshake.ts';
import { newNonce, RawPeer } from '../../support/peers.ts';
import type { Random } from '../../support/random.ts';

/** Connections of the flood. */
const FLOOD = 300;

/** Where to attack, and what an instance's siblings know. */
export interface Target {
  endpoint: string;
  secret: string;
}

/** Connects and behaves badly; resolves when the instance has cut every connection that it should. */
type Attack = (target: Target, random: Random) => Promise<unknown>;

/** Connects, hands over the connection, and waits for its end. */
function connect({ endpoint }: Pick<Target, 'endpoint'>, attack: (socket: Socket) => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = createConnection(endpoint, () => attack(socket));
  // Being cut off may come as a reset.
  socket.on('error', () => undefined);
  // Only who reads learns of the end.
  socket.resume().once('close', () => resolve());
  return promise;
}

const noise = (random: Random, length: number) => Buffer.from(Array.from({ length }, () => random.whole(0, 255)));

/** Sends one byte a second for as long as anybody listens. */
function dribble(socket: Socket, bytes: Buffer): void {
  let sent = 0;
  const timer = setInterval(() => socket.write(bytes.subarray(sent, ++sent)), 1000);
  socket.once('close', () => clearInterval(timer));
}

/** What strangers do; each is to be cut off. */
export const strangers: Record<string, Attack> = {
  garbage: (target, random) => connect(target, (socket) => void socket.write(noise(random, 100_000))),
  'a header of 4 GB': (target) => connect(target, (socket) => socket.write(Buffer.alloc(100_000, 0xff))),
  'a byte per second': (target) => connect(target, (socket) => dribble(socket, encodeFrame({ type: 'hello' }))),
  silence: (target) => connect(target, () => undefined),
  'frames that are no hello': (target) =>
    connect(target, (socket) => socket.write(encodeFrame({ type: 'nudge', changeId: 1 }))),
  'a wrong secret': async ({ endpoint }) => {
    const peer = await RawPeer.connect(endpoint);
    const handshake = new Handshake('dialler', 'a wrong secret', peer.self, newNonce());
    peer.send(handshake.hello);
    peer.send(handshake.answer(await peer.frame(0)));
    return peer.closed;
  },
};

/** Connects very often at a time. */
export const flood: Attack = (target) =>
  Promise.all(Array.from({ length: FLOOD }, () => connect(target, () => undefined)));

/** What one does who knows the secret, and is to be cut off for. */
export const traitors: Record<string, (peer: RawPeer, random: Random) => void> = {
  'frames that are no JSON': (peer, random) => peer.socket.write(rawFrame(noise(random, 64).toString('latin1'))),
  'a header of 4 GB': (peer) => peer.socket.write(Buffer.alloc(100_000, 0xff)),
  'a byte per second': (peer) => dribble(peer.socket, encodeFrame({ type: 'ping' })),
};

/** What the frames of a sibling of another version, or of a hostile one, may hold; nothing may come of them. */
export const strangeFrames: readonly string[] = [
  '{}',
  '[]',
  '{"type":"unknown","changeId":1}',
  '{"type":"nudge"}',
  '{"type":"nudge","changeId":1e308}',
  '{"type":"nudge","changeId":-1}',
  '{"type":"nudge","changeId":{"deep":true}}',
  '{"type":"nudge","changeId":1,"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
  '{"type":"pong","cursor":9007199254740991}',
  '{"type":"stream","piece":null}',
  `{"type":"stream","piece":{"conversationId":"","messageId":"","runId":"","offset":-1,"text":"${'x'.repeat(900_000)}"}}`,
  '{"type":["ping"]}',
  `${'['.repeat(5000)}${']'.repeat(5000)}`,
];

/** One frame with this text, well-formed or not. */
export function rawFrame(text: string): Buffer {
  const body = Buffer.from(text);
  const header = Buffer.alloc(4);
  header.writeUInt32BE(body.length);
  return Buffer.concat([header, body]);
}
