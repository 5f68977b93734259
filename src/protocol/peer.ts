import * as v from 'valibot';
import { StreamPiece } from './model.ts';

/** Versions of the peer protocol that this program speaks. */
export const PEER_PROTOCOL = { min: 1, max: 1 } as const;

/** Largest frame accepted from a peer that has proved itself, in bytes. */
export const MAX_FRAME = 1 << 20;

/** Largest frame accepted before that, in bytes. */
export const MAX_HANDSHAKE_FRAME = 4096;

/** First frame of both ends: who I am, and a challenge. */
export const Hello = v.object({
  type: v.literal('hello'),
  protocol: v.object({ min: v.number(), max: v.number() }),
  instanceId: v.pipe(v.string(), v.uuid()),
  nonce: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  editor: v.pipe(v.string(), v.maxLength(100)),
  version: v.pipe(v.string(), v.maxLength(100)),
  pid: v.number(),
});
export type Hello = v.InferOutput<typeof Hello>;

/** Second frame of both ends: proof of knowing the database's secret, bound to both challenges. */
export const Proof = v.object({ type: v.literal('proof'), mac: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) });
export type Proof = v.InferOutput<typeof Proof>;

/** Everything after the handshake. A frame of an unknown type comes from a newer version and is skipped. */
export const PeerFrame = v.variant('type', [
  /** "Look into the change log": carries the newest change id, never content. */
  v.object({ type: v.literal('nudge'), changeId: v.pipe(v.number(), v.integer()) }),
  /** A piece of a reply that is being written; see {@link StreamPiece}. */
  v.object({ type: v.literal('stream'), piece: StreamPiece }),
  /** The conversation that the sender's user sees now; null when none. */
  v.object({ type: v.literal('presence'), conversationId: v.nullable(v.pipe(v.string(), v.maxLength(100))) }),
  v.object({ type: v.literal('ping') }),
  /** Answers a ping with the newest change that was read: the leader keeps the log up to there. */
  v.object({ type: v.literal('pong'), cursor: v.optional(v.pipe(v.number(), v.integer())) }),
]);
export type PeerFrame = v.InferOutput<typeof PeerFrame>;
