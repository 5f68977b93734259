import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Instance } from '../instance/instance.ts';
import { logToStderr } from '../instance/stdio.ts';
import { DevChatError } from '../protocol/errors.ts';
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
export function withHistory({ workspace, db }: Place, body: Body): Promise<void> {
  const place = db === undefined ? { workspaceFolder: workspace ?? process.cwd() } : { databasePath: resolve(db) };
  return withInstance(place, body);
}

/**
 * Opens a history that exists already, runs a function on it and leaves it again.
 * @throws {DevChatError} `not-found` when there is none; then none was made
 */
export async function withExistingHistory(place: Place, body: Body, notify?: Notify): Promise<void> {
  await withInstance({ databasePath: findHistory(place) }, body, notify);
}

function findHistory({ workspace, db }: Place): string {
  const path = db === undefined ? findDatabase(dataDir(), workspace ?? process.cwd()) : resolve(db);
  if (path === undefined) throw new DevChatError('not-found', 'This folder has no chat history yet.');
  if (!existsSync(path)) throw new DevChatError('not-found', `There is no chat history at ${db ?? path}.`);
  return path;
}

async function withInstance(
  place: Pick<Params<'initialize'>, 'databasePath' | 'workspaceFolder'>,
  body: Body,
  notify: Notify = () => undefined,
): Promise<void> {
  const log = process.env['DEVCHAT_DEBUG'] ? logToStderr : () => undefined;
  // Gone in a moment, so the windows need not elect a leader after it.
  const tell: Notify = (name, params) => {
    if (name === 'notice') process.stderr.write(`${(params as Notifications['notice']).text}\n`);
    notify(name, params);
  };
  const instance = new Instance({ log, notify: tell }, { leads: false });
  try {
    await instance.handle('initialize', { ...place, client: { name: 'devchat' } });
    await body(instance);
  } finally {
    await instance.close();
  }
}
