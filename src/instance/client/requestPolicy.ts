import { v7 as uuid } from 'uuid';
import type { Method } from '../../protocol/rpc.ts';

/** How long a request may take, restarts of the instance included, in ms. */
export const TIMEOUT = 30_000;

/** The same for one that reads or writes the whole database. */
export const LONG_TIMEOUT = 600_000;

/** Requests that may be sent again to a new process: they read, or carry the id that makes a repetition harmless. */
const repeatable: ReadonlySet<Method> = new Set<Method>([
  'conversation/list',
  'conversation/create',
  'conversation/purge',
  'conversation/branch',
  'conversation/markRead',
  'presence/set',
  'message/add',
  'message/range',
  'search',
  'search/rebuild',
  'sync/status',
  'sync/resync',
  'workspaces/list',
  'workspaces/conversations',
  'conversation/usage',
  'ingest/configure',
  'ingest/status',
  'ingest/report',
  'ingest/log',
  'ingest/import',
  'ingest/rescan',
  'ingest/cancel',
  'hub/try',
  'hub/connect',
  'hub/configure',
  'hub/disconnect',
  'hub/status',
  'conversation/share',
  'conversation/alternatives',
]);

/** Requests that make something, under an id that the client gives if its caller does not. */
const made: ReadonlySet<Method> = new Set<Method>(['message/add', 'conversation/create', 'conversation/branch']);

/** Requests that read or write the whole database. */
const long: ReadonlySet<Method> = new Set<Method>([
  'conversation/purge',
  'conversation/batch',
  'conversation/branch',
  'ingest/import',
  'ingest/rescan',
  'search/rebuild',
  'sync/resync',
  'verify',
]);

/** Whether a request may be sent again to a new process. */
export function isRepeatable(method: Method): boolean {
  return repeatable.has(method);
}

/** How long a request may take, in ms. */
export function timeoutOf(method: Method): number {
  return long.has(method) ? LONG_TIMEOUT : TIMEOUT;
}

/** The parameters with an id made here, where the request creates something: only then may it be repeated. */
export function withOwnId(method: Method, params: object): object {
  return made.has(method) ? { id: uuid(), ...params } : params;
}
