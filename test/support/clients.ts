import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { type EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { type ClientState, InstanceClient } from '../../src/instance/client/instanceClient.ts';
import { spawnInstance } from '../../src/instance/client/process.ts';
import { environmentIn, type TempDirectory, useEnvironment, useTempDirectory } from './tempDirectory.ts';

const program = join(import.meta.dirname, '../../dist/instance.cjs');

/** A client with a real process behind it, and what happened to both. */
export interface TestClient {
  readonly client: InstanceClient;
  /** Every process it has started. */
  readonly children: ChildProcessWithoutNullStreams[];
  readonly states: ClientState[];
  readonly log: string[];
  /** Waits until the client has this state, not at all when it has it already. */
  reached(state: ClientState): Promise<void>;
}

export interface TestClients {
  readonly directory: TempDirectory;
  /** Path of the database of all clients. */
  readonly path: string;
  /** Makes a client that is not started yet; without a program of its own it runs the real instance. */
  make(spawn?: () => ChildProcessWithoutNullStreams, databasePath?: string): TestClient;
  /** Starts a client and waits until it is ready. */
  start(): Promise<TestClient>;
}

/** Gives every test of the enclosing suite clients on a database of its own; their processes end with the test. */
export function useClients(): TestClients {
  const directory = useTempDirectory();
  useEnvironment(() => environmentIn(directory));
  return {
    directory,
    get path() {
      return join(directory.path, 'db', 'chat.db');
    },
    make(spawn = () => spawnInstance(program), databasePath = join(directory.path, 'db', 'chat.db')) {
      const made = {
        children: [] as ChildProcessWithoutNullStreams[],
        states: [] as ClientState[],
        log: [] as string[],
      };
      const client = new InstanceClient({
        spawn: () => {
          const child = spawn();
          made.children.push(child);
          return child;
        },
        initialize: () => ({ databasePath, client: { name: 'Test' }, joinsAddedRuns: true }),
        log: (level, text) => made.log.push(`${level} ${text}`),
      });
      client.events.on('state', (state) => made.states.push(state));
      directory.defer(async () => {
        for (const child of made.children) child.kill('SIGKILL');
        await client.dispose();
      });
      const reached = async (state: ClientState) => {
        while (client.state !== state) await once(client.events, 'state');
      };
      return { client, reached, ...made };
    },
    async start() {
      const started = this.make();
      started.client.start();
      await started.reached('ready');
      return started;
    },
  };
}

/** Waits for an event of an emitter after which the condition holds; not at all when it holds already. */
export async function until<T extends Record<keyof T, unknown[]>>(
  emitter: EventEmitter<T>,
  event: keyof T & string,
  condition: () => boolean,
): Promise<void> {
  while (!condition()) await once(emitter as EventEmitter, event);
}
