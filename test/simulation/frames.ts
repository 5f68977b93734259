import * as v from 'valibot';
import { DevChatError } from '../../src/protocol/errors.ts';
import { Hello, PeerFrame, Proof } from '../../src/protocol/peer.ts';
import { encodeFrame, FrameDecoder } from '../../src/sync/peers/frames.ts';
import { Random } from '../support/random.ts';
import { Violation } from './machine.ts';

/** Largest frame that the decoder under test accepts, in bytes. */
const LIMIT = 200;

/** Frames that peers send, and some that they do not. */
const samples: readonly Buffer[] = [
  { type: 'ping' },
  { type: 'pong', cursor: 7 },
  { type: 'nudge', changeId: 1 },
  { type: 'stream', piece: { conversationId: 'c', messageId: 'm', runId: 'r', offset: 0, text: 'Grüße 😀' } },
  { type: 'proof', mac: 'a'.repeat(64) },
  { type: 'hello', protocol: { min: 1, max: 1 }, instanceId: 'x', nonce: '', editor: '😀', version: '', pid: 1 },
  { type: 'from the future', deep: [[[{}]]] },
  [],
].map((frame) => encodeFrame(frame));

interface Decoded {
  frames: object[];
  /** Whether the decoder gave the stream up. */
  isRefused: boolean;
}

/** Decodes a stream that comes in chunks. */
function decode(chunks: readonly Buffer[]): Decoded {
  const decoder = new FrameDecoder(LIMIT);
  const frames: object[] = [];
  try {
    for (const chunk of chunks) for (const frame of decoder.push(chunk)) frames.push(frame);
  } catch (error) {
    if (!(error instanceof DevChatError) || error.reason !== 'bad-request') throw error;
    return { frames, isRefused: true };
  }
  return { frames, isRefused: false };
}

/** Some samples, most of them with bytes that are changed, left out or put in. */
function makeInput(random: Random): Buffer {
  const parts = Array.from({ length: random.whole(1, 3) }, () => {
    const bytes = Buffer.from(random.pick(samples));
    for (let count = random.whole(0, 2); count > 0; count--) {
      // Mostly among the first bytes, which say how long the frame is.
      const place = random.whole(0, random.next() < 0.5 ? 5 : bytes.length - 1);
      bytes[place] = random.whole(0, 255);
    }
    const from = random.next() < 0.1 ? random.whole(0, bytes.length) : 0;
    const to = random.next() < 0.1 ? random.whole(from, bytes.length) : bytes.length;
    return bytes.subarray(from, to);
  });
  return Buffer.concat(parts);
}

/** The input in chunks, each of which ends anywhere. */
function cut(random: Random, input: Buffer): Buffer[] {
  const [first, second] = [random.whole(0, input.length), random.whole(0, input.length)].sort((a, b) => a - b);
  return [input.subarray(0, first), input.subarray(first, second), input.subarray(second)];
}

/**
 * Gives random inputs to the decoder of frames and to the schemas behind it, each as a whole and in pieces.
 * @param count how many streams of bytes are decoded
 * @throws {Violation} when an input is decoded otherwise in pieces than as a whole; what else is thrown is a fault too
 */
export function fuzzFrames(seed: number, count: number): void {
  const random = new Random(seed, 'frames');
  for (let decoded = 0; decoded < count; decoded += 2) {
    const input = makeInput(random);
    const whole = decode([input]);
    const pieces = decode(cut(random, input));
    const isSame = whole.isRefused === pieces.isRefused && whole.frames.length === pieces.frames.length;
    if (!isSame) throw new Violation(`in pieces another stream than as a whole: ${input.toString('hex')}`);
    for (const frame of whole.frames) for (const schema of [PeerFrame, Hello, Proof]) v.safeParse(schema, frame);
  }
}
