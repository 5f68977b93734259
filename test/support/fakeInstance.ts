import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { createMessageConnection, type MessageConnection } from 'vscode-jsonrpc/node';
import { InstanceClient } from '../../src/instance/client/instanceClient.ts';
import type { Method, Notifications, Params, Results } from '../../src/protocol/rpc.ts';

/** The instance's end of a client's connection, in the hands of a test. */
export class FakeInstance {
  readonly client: InstanceClient;
  readonly #connection: MessageConnection;

  constructor() {
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    this.#connection = createMessageConnection(stdin, stdout);
    const process = { stdin, stdout, stderr: new PassThrough(), pid: 1, exitCode: 0, signalCode: null };
    const child = Object.assign(new EventEmitter(), process) as unknown as ChildProcessWithoutNullStreams;
    this.client = new InstanceClient({ spawn: () => child, initialize: () => ({}), log: () => undefined });
    this.answer('initialize', () => ({ instanceId: 'own', databasePath: '', dbEpoch: '', lastChangeId: 0 }));
    this.#connection.onRequest('sync/status', () => ({}));
    this.#connection.listen();
  }

  answer<M extends Method>(method: M, handler: (params: Params<M>) => Results[M] | Promise<Results[M]>): void {
    this.#connection.onRequest(method, (params: unknown): unknown => handler(params as Params<M>));
  }

  notify<N extends keyof Notifications>(notification: N, params: Notifications[N]): void {
    void this.#connection.sendNotification(notification, params);
  }

  /** Waits until both ends have taken everything that was sent before, and what they sent because of it. */
  async settled(): Promise<void> {
    for (let rounds = 0; rounds < 2; rounds++) await this.client.request('sync/status', {});
  }

  async close(): Promise<void> {
    await this.client.dispose();
    this.#connection.dispose();
  }
}
