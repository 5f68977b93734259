import { v7 as uuid } from 'uuid';
import * as v from 'valibot';
import { DevChatError } from '../protocol/errors.ts';
import type { Log } from '../protocol/log.ts';
import { type Method, type Notifications, type Params, type Results, requestParams } from '../protocol/rpc.ts';
import { dataDir } from '../store/dataDir.ts';
import { locateDatabase } from '../store/location.ts';
import { type Answers, answers } from './requests.ts';
import { Workspace } from './workspace.ts';

/** Version of this program, as peers and logs name it. */
const VERSION = process.env['DEVCHAT_VERSION'] ?? 'development';

/** What an instance needs of the process it runs in. */
export interface InstancePorts {
  notify<N extends keyof Notifications>(notification: N, params: Notifications[N]): void;
  log: Log;
}

/** One window's or program's access to a workspace's history: requests in, answers and notifications out. */
export class Instance {
  readonly id: string = uuid();
  readonly #ports: InstancePorts;
  readonly #leads: boolean;
  #workspace: Promise<Workspace> | undefined;
  /** The database that `initialize` has opened; it stays so when opening it anew fails. */
  #databasePath: string | undefined;
  #reopening: Promise<void> | undefined;
  #closing: Promise<null> | undefined;
  #editor = 'unknown';

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
    if (method === 'initialize') return (await this.#initialize(parsed.output as Params<'initialize'>)) as Results[M];
    if (method === 'shutdown') return (await this.close()) as Results[M];
    try {
      return await this.#answer(method, parsed.output);
    } catch (error) {
      if (!(error instanceof DevChatError) || error.reason !== 'database-replaced') throw error;
      // Nothing of the request has reached the database that is there now, so it may be tried on it.
      await this.#reopen();
      return await this.#answer(method, parsed.output);
    }
  }

  /** Leaves the peers and closes the database; a second call waits for the first. */
  close(): Promise<null> {
    this.#closing ??= this.#closeNow();
    return this.#closing;
  }

  async #closeNow(): Promise<null> {
    // What cannot be opened need not be closed.
    const workspace = await (this.#reopening ?? Promise.resolve()).then(() => this.#workspace).catch(() => undefined);
    await workspace?.close();
    return null;
  }

  async #answer<M extends Method>(method: M, params: Params<M>): Promise<Results[M]> {
    await this.#reopening;
    if (!this.#workspace && this.#databasePath !== undefined) await this.#reopen();
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
    const { client, databasePath, workspaceFolder, workspaceFolders, location } = params;
    this.#editor = (typeof client === 'string' ? client : client?.name) ?? 'unknown';
    const folders = workspaceFolders ?? (workspaceFolder === undefined ? [] : [workspaceFolder]);
    const path = databasePath ?? locateDatabase(dataDir(), folders, location ?? 'user');
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

  #open(path: string): Promise<Workspace> {
    const self = { instanceId: this.id, editor: this.#editor, version: VERSION, pid: process.pid };
    const events = {
      notify: this.#ports.notify,
      replaced: () => {
        this.#reopen().catch((error: unknown) => {
          this.#ports.log('error', `reopening failed: ${String(error)}`);
          // The client asks anew, which tries again, and learns from the answer what is wrong.
          this.#ports.notify('reload', { reason: 'database-replaced', lastChangeId: 0 });
        });
      },
    };
    return Workspace.open(path, self, events, { log: this.#ports.log, leads: this.#leads });
  }

  /** Opens the file that is now at the path of the database, once however many notice the change. */
  async #reopen(): Promise<void> {
    this.#reopening ??= this.#reopenNow().finally(() => {
      this.#reopening = undefined;
    });
    await this.#reopening;
  }

  async #reopenNow(): Promise<void> {
    const before = await this.#workspace;
    const path = this.#databasePath;
    if (path === undefined || before?.db.isInPlace()) return;
    this.#ports.log('warn', `the database ${path} was deleted or replaced; opening what is there now`);
    this.#workspace = undefined;
    await before?.close();
    const workspace = await this.#open(path);
    this.#workspace = Promise.resolve(workspace);
    const { lastChangeId } = workspace.status();
    this.#ports.notify('reload', { reason: 'database-replaced', lastChangeId });
  }
}
