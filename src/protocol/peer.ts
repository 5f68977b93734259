import * as v from 'valibot';
import { IngestWish } from './ingest.ts';
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

/** The requests of clients that only the leader can answer. */
const IngestLeaderMethod = v.picklist(['ingest/status', 'ingest/import', 'ingest/rescan', 'ingest/cancel']);
export type IngestLeaderMethod = v.InferOutput<typeof IngestLeaderMethod>;
export const HubLeaderMethod = v.picklist(['hub/status', 'sync/resync']);
export type HubLeaderMethod = v.InferOutput<typeof HubLeaderMethod>;
export const LeaderMethod = v.union([IngestLeaderMethod, HubLeaderMethod]);
export type LeaderMethod = v.InferOutput<typeof LeaderMethod>;

/** Everything after the handshake. A frame of an unknown type comes from a newer version and is skipped. */
export const PeerFrame = v.variant('type', [
  /** "Look into the change log": carries the newest change id, never content. */
  v.object({ type: v.literal('nudge'), changeId: v.pipe(v.number(), v.integer()) }),
  /** A piece of a reply that is being written; see {@link StreamPiece}. */
  v.object({ type: v.literal('stream'), piece: StreamPiece }),
  /** The conversation that the sender's user sees now; null when none. */
  v.object({ type: v.literal('presence'), conversationId: v.nullable(v.pipe(v.string(), v.maxLength(100))) }),
  /** The transcripts that the sender's client wants to be read, whoever leads; null when none. */
  v.object({ type: v.literal('wish'), ingest: v.nullable(IngestWish) }),
  /** Passes a client's request on to the leader, which answers with the same id. */
  v.object({ type: v.literal('request'), id: v.number(), method: LeaderMethod, params: v.unknown() }),
  v.object({
    type: v.literal('answer'),
    id: v.number(),
    result: v.optional(v.unknown()),
    error: v.optional(v.object({ reason: v.string(), message: v.string() })),
  }),
  /** How ingestion is doing, an {@link IngestHealth}; null when it has ended. */
  v.object({ type: v.literal('ingest'), health: v.unknown() }),
  v.object({ type: v.literal('ping') }),
  /** Answers a ping with the newest change that was read: the leader keeps the log up to there. */
  v.object({ type: v.literal('pong'), cursor: v.optional(v.pipe(v.number(), v.integer())) }),
]);
export type PeerFrame = v.InferOutput<typeof PeerFrame>;
