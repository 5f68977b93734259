import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Instance } from '../instance/instance.ts';
import { logToStderr } from '../instance/stdio.ts';
import { DevChatError } from '../protocol/errors.ts';
import type { IngestSettings } from '../protocol/ingest.ts';
import type { Notifications, Params } from '../protocol/rpc.ts';
import { dataDir } from '../store/dataDir.ts';
import { findDatabase } from '../store/location.ts';

/** Where the history is, as the user names it; the current folder's by default. */
export interface Place {
  workspace?: string;
  db?: string;
}

type Body = (instance: Instance) => Promise<void>;
type Notify = (name: keyof Notifications, params: unknown) => void;

/** Opens a history, which is made if need be, runs a function on it and leaves it again. */
export function withHistory(place: Place, body: Body, notify?: Notify): Promise<void> {
  return withInstance(placeOf(place), body, notify);
}

/**
 * Opens a history that exists already, runs a function on it and leaves it again.
 * @throws {DevChatError} `not-found` when there is none; then none was made
 */
export async function withExistingHistory(place: Place, body: Body, notify?: Notify): Promise<void> {
  await withInstance({ databasePath: findHistory(place) }, body, notify);
}

/** Does the same as {@link withHistory} as one who leads if nobody else does, and wants transcripts to be read. */
export function withLeadership(place: Place, ingest: IngestSettings, body: Body, notify: Notify): Promise<void> {
  return withInstance({ ...placeOf(place), ingest }, body, notify, true);
}

function placeOf({ workspace, db }: Place): Pick<Params<'initialize'>, 'databasePath' | 'workspaceFolder'> {
  return db === undefined ? { workspaceFolder: workspace ?? process.cwd() } : { databasePath: resolve(db) };
}

function findHistory({ workspace, db }: Place): string {
  const path = db === undefined ? findDatabase(dataDir(), workspace ?? process.cwd()) : resolve(db);
  if (path === undefined) throw new DevChatError('not-found', 'This folder has no chat history yet.');
  if (!existsSync(path)) throw new DevChatError('not-found', `There is no chat history at ${db ?? path}.`);
  return path;
}

async function withInstance(
  place: Pick<Params<'initialize'>, 'databasePath' | 'workspaceFolder' | 'ingest'>,
  body: Body,
  notify: Notify = () => undefined,
  // Gone in a moment, so the windows need not elect a leader after it.
  leads = false,
): Promise<void> {
  const log = process.env['DEVCHAT_DEBUG'] ? logToStderr : () => undefined;
  const tell: Notify = (name, params) => {
    if (name === 'notice') process.stderr.write(`${(params as Notifications['notice']).text}\n`);
    notify(name, params);
  };
  const instance = new Instance({ log, notify: tell }, { leads });
  try {
    await instance.handle('initialize', { ...place, client: { name: 'devchat' } });
    await body(instance);
  } finally {
    await instance.close();
  }
}
