import { MAX_HUB_FRAME } from '../protocol/hub.ts';
import type { Retention } from './retention.ts';

/** What one hub process bears. Times are ms. */
export interface Limits {
  /** Largest frame from a client, in bytes. */
  frameBytes: number;
  /** Frames that a client may send per second, and at once after a pause. */
  framesPerSecond: number;
  frameBurst: number;
  /** Requests over HTTP of one token, likewise. */
  requestsPerSecond: number;
  requestBurst: number;
  /** Connections of any kind; more are not accepted. */
  connections: number;
  sessions: number;
  sessionsPerToken: number;
  sessionsPerWorkspace: number;
  /** Tokens that are being looked up; more have to try again. */
  authentications: number;
  /** Unsent bytes of a session at which it is cut off. */
  sendQueueBytes: number;
  /** Unsent bytes of a session at which it gets no pieces of streams. */
  streamQueueBytes: number;
  helloTimeout: number;
  /** How often a session is pinged; one that neither answers nor takes what is sent until the next time is cut off. */
  pingInterval: number;
  /** Time for a statement in the database. */
  statementTimeout: number;
  /** How often the connection for notifications is probed, and how long an answer may take. */
  listenHeartbeat: number;
  listenTimeout: number;
  /** How often tokens of live sessions are looked up again, in case a notification was lost. */
  tokenCheckInterval: number;
  cleanUpInterval: number;
  retention: Retention;
  /** Time that a client has to agree to the end of its session. */
  closeTimeout: number;
}

const SECOND = 1000;
const DAY = 24 * 3600 * SECOND;

export const DEFAULT_LIMITS: Limits = {
  frameBytes: MAX_HUB_FRAME,
  framesPerSecond: 100,
  frameBurst: 200,
  requestsPerSecond: 50,
  requestBurst: 200,
  connections: 12_000,
  sessions: 10_000,
  sessionsPerToken: 20,
  sessionsPerWorkspace: 1000,
  authentications: 100,
  sendQueueBytes: 2 * MAX_HUB_FRAME,
  streamQueueBytes: 1 << 18,
  helloTimeout: 5 * SECOND,
  pingInterval: 30 * SECOND,
  statementTimeout: 30 * SECOND,
  listenHeartbeat: 5 * SECOND,
  listenTimeout: 5 * SECOND,
  tokenCheckInterval: 60 * SECOND,
  cleanUpInterval: 3600 * SECOND,
  retention: { events: 7 * DAY, replicas: 30 * DAY },
  closeTimeout: 5 * SECOND,
};
