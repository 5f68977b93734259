import { v7 as uuid } from 'uuid';
import * as v from 'valibot';
import { DevChatError, errorText, hasReason, type Reason } from '../protocol/errors.ts';
import type { HubSettings } from '../protocol/hub.ts';
import type { IngestSettings, IngestWish } from '../protocol/ingest.ts';
import type { Log } from '../protocol/log.ts';
import { type Method, type Notifications, type Params, type Results, requestParams } from '../protocol/rpc.ts';
import type { Database } from '../store/database.ts';
import { dataDir } from '../store/dataDir.ts';
import { locateDatabase } from '../store/location.ts';
import { recover } from '../store/recovery/recover.ts';
import { rescue } from '../store/recovery/rescue.ts';
import { withOwnId } from './client/requestPolicy.ts';
import { type Answers, answers } from './requests.ts';
import { Workspace, type WorkspaceEvents } from './workspace.ts';

/** Version of this program, as peers and logs name it. */
const VERSION = process.env['DEVCHAT_VERSION'] ?? 'development';

/** Why a database is opened anew: another file is at its path, it is damaged, or it can be written again. */
type Cause = 'replaced' | 'damaged' | 'writable';

/** The failures after which a request is tried once more, on the database opened anew. */
const causes: Partial<Record<Reason, Cause>> = { 'database-replaced': 'replaced', corrupt: 'damaged' };

/** What an instance needs of the process it runs in. */
export interface InstancePorts {
  notify<N extends keyof Notifications>(notification: N, params: Notifications[N]): void;
  log: Log;
}

/** The requests that change what the instance itself knows: it outlives an open database. */
export type OwnMethod =
  | 'initialize'
  | 'ingest/configure'
  | 'hub/connect'
  | 'hub/configure'
  | 'hub/disconnect'
  | 'shutdown';

/** One window's or program's access to a workspace's history: requests in, answers and notifications out. */
export class Instance {
  readonly id: string = uuid();
  readonly #own: { [M in OwnMethod]: (params: Params<M>) => Promise<Results[M]> } = {
    initialize: (params) => this.#initialize(params),
    'ingest/configure': (params) => this.#configure(params),
    'hub/connect': async (settings) => {
      const found = await this.#answer('hub/try', settings);
      await this.#useHub(settings);
      return found;
    },
    'hub/configure': ({ settings }) => this.#useHub(settings),
    'hub/disconnect': () => this.#useHub(null),
    shutdown: () => this.close(),
  };
  readonly #ports: InstancePorts;
  readonly #leads: boolean;
  #workspace: Promise<Workspace> | undefined;
  /** The database that `initialize` has opened; it stays so when opening it anew fails. */
  #databasePath: string | undefined;
  #reopening: Promise<string | undefined> | undefined;
  /** Why the database could not be opened anew in the background, when that failed the last time. */
  #failure: string | undefined;
  #closing: Promise<null> | undefined;
  #editor = 'unknown';
  #folders: readonly string[] = [];
  /** How the client wants to be told of added messages. */
  #joinsAddedRuns = false;
  /** The transcripts that the client wants to be read. */
  #wish: IngestWish | null = null;
  /** The hub that the client has named. */
  #hub: HubSettings | null = null;

  /** @param options `leads`: whether it may become the leader; not for one who stays only for a moment */
  constructor(ports: InstancePorts, { leads = true }: { leads?: boolean } = {}) {
    this.#ports = ports;
    this.#leads = leads;
  }

  /**
   * Checks and answers one request.
   * @throws {DevChatError} with the reason for the client
   */
  async handle<M extends Method>(method: M, params: unknown): Promise<Results[M]> {
    const parsed = v.safeParse(requestParams[method] as v.GenericSchema<unknown, Params<M>>, params ?? {});
    if (!parsed.success) {
      const [issue] = parsed.issues;
      const field = v.getDotPath(issue) ?? 'params';
      throw new DevChatError('bad-request', `${method}: ${field}: ${issue.message}`);
    }
    // The schema of `method` has just made them so.
    const own = this.#own[method as OwnMethod] as ((params: Params<M>) => Promise<Results[M]>) | undefined;
    if (own) return own(parsed.output);
    // A repetition must not make a second one.
    const given = withOwnId(method, parsed.output) as Params<M>;
    try {
      return await this.#answer(method, given);
    } catch (error) {
      const cause = error instanceof DevChatError ? causes[error.reason] : undefined;
      if (!cause) throw error;
      // Nothing of the request has reached the database that is there afterwards, so it may be tried on it.
      const notice = await this.#reopen(cause);
      const result = await this.#answer(method, given);
      if (method === 'verify' && notice) (result as Results['verify']).repaired.unshift(notice);
      return result;
    }
  }

  /** Leaves the peers and closes the database; a second call waits for the first. */
  close(): Promise<null> {
    this.#closing ??= this.#closeNow();
    return this.#closing;
  }

  async #closeNow(): Promise<null> {
    // What cannot be opened need not be closed.
    const workspace = await Promise.resolve(this.#reopening)
      .catch(() => undefined)
      .then(() => this.#workspace)
      .catch(() => undefined);
    await workspace?.close();
    return null;
  }

  async #answer<M extends Method>(method: M, params: Params<M>): Promise<Results[M]> {
    await this.#reopening;
    if (!this.#workspace && this.#databasePath !== undefined) await this.#reopen('replaced');
    if (!this.#workspace || this.#closing) {
      throw new DevChatError('not-initialized', 'Send “initialize” before any other request.');
    }
    const workspace = await this.#workspace;
    const answer = answers[method as keyof Answers] as (
      workspace: Workspace,
      params: Params<M>,
      instanceId: string,
    ) => Promise<Results[M]> | Results[M];
    return answer(workspace, params, this.id);
  }

  async #initialize(params: Params<'initialize'>): Promise<Results['initialize']> {
    if (this.#workspace || this.#databasePath !== undefined || this.#closing) {
      throw new DevChatError('bad-request', 'This instance is initialized already.');
    }
    const { client, databasePath, workspaceFolder, workspaceFolders, location, ingest, hub } = params;
    this.#joinsAddedRuns = params.joinsAddedRuns ?? false;
    this.#editor = (typeof client === 'string' ? client : client?.name) ?? 'unknown';
    this.#folders = workspaceFolders ?? (workspaceFolder === undefined ? [] : [workspaceFolder]);
    this.#wish = this.#wishFor(ingest ?? null);
    this.#hub = hub ?? null;
    const path = databasePath ?? locateDatabase(dataDir(), this.#folders, location ?? 'user');
    try {
      this.#workspace = this.#open(path);
      const { databasePath: opened, dbEpoch, lastChangeId } = (await this.#workspace).status();
      this.#databasePath = opened;
      return { instanceId: this.id, databasePath: opened, dbEpoch, lastChangeId };
    } catch (error) {
      this.#workspace = undefined;
      throw error;
    }
  }

  /** Also for a database that is being opened anew. */
  async #configure({ settings }: Params<'ingest/configure'>): Promise<null> {
    this.#wish = this.#wishFor(settings);
    (await this.#workspace)?.ingestion.wishFor(this.#wish);
    return null;
  }

  /** Also for a database that is being opened anew. */
  async #useHub(settings: HubSettings | null): Promise<null> {
    this.#hub = settings;
    await (await this.#workspace)?.hub.configure(settings);
    return null;
  }

  #wishFor(settings: IngestSettings | null): IngestWish | null {
    return settings && { folders: [...this.#folders], settings };
  }

  #open(path: string): Promise<Workspace> {
    const self = { instanceId: this.id, editor: this.#editor, version: VERSION, pid: process.pid };
    const events: WorkspaceEvents = {
      notify: this.#ports.notify,
      replaced: () => this.#reopenInBackground('replaced'),
      writable: () => this.#reopenInBackground('writable'),
      fault: (error: unknown) => {
        this.#ports.log('error', `the database cannot be read: ${errorText(error)}`);
        if (hasReason(error, 'corrupt')) this.#reopenInBackground('damaged');
      },
    };
    return Workspace.open(path, self, events, {
      log: this.#ports.log,
      leads: this.#leads,
      joinsAddedRuns: this.#joinsAddedRuns,
      wish: this.#wish,
      hub: this.#hub,
    });
  }

  /** Opens the file that is now at the path of the database, once however many notice the change. */
  #reopen(cause: Cause): Promise<string | undefined> {
    this.#reopening ??= this.#reopenNow(cause).finally(() => {
      this.#reopening = undefined;
    });
    return this.#reopening;
  }

  #reopenInBackground(cause: Cause): void {
    const settle = (failure: string | undefined) => {
      if (failure === this.#failure) return;
      this.#failure = failure;
      if (failure === undefined) return;
      this.#ports.log('error', `reopening failed: ${failure}`);
      if (this.#workspace) this.#ports.notify('notice', { text: failure });
      // The client asks anew, which tries again, and learns from the answer what is wrong.
      else this.#ports.notify('reload', { reason: 'reopened', lastChangeId: 0 });
    };
    this.#reopen(cause).then(
      () => settle(undefined),
      (error: unknown) => settle(errorText(error)),
    );
  }

  /** @returns what became of the database, in words for the user */
  async #reopenNow(cause: Cause): Promise<string | undefined> {
    const before = await this.#workspace;
    const path = this.#databasePath;
    if (path === undefined) return undefined;
    const notice = before && (await this.#secure(before.db, cause));
    if (before?.db.isInPlace() && before.db.isItself() && !before.db.isUnwritable) return undefined;
    this.#workspace = undefined;
    await before?.close(true).catch((error: unknown) => this.#ports.log('warn', `closing failed: ${errorText(error)}`));
    const workspace = await this.#open(path);
    this.#workspace = Promise.resolve(workspace);
    workspace.show(before?.shown ?? null);
    const { lastChangeId } = workspace.status();
    this.#ports.notify('reload', { reason: cause === 'writable' ? 'reopened' : 'database-replaced', lastChangeId });
    if (notice) {
      this.#ports.log('warn', notice);
      this.#ports.notify('notice', { text: notice });
    }
    return notice;
  }

  /** Sees to it that what the open database holds is at its path, or kept beside it. */
  async #secure(db: Database, cause: Cause): Promise<string | undefined> {
    if (cause === 'writable') return undefined;
    if (cause === 'damaged' && db.isInPlace()) {
      return recover(db.path, (text) => this.#ports.notify('notice', { text, isUnderway: true }));
    }
    // Without the index of the log, or with another one, everything is there all the same.
    if (db.isWhole()) return undefined;
    return (await rescue(db)) ?? 'The chat database was replaced while it was open. What is there now was read anew.';
  }
}
