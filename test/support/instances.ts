import { join } from 'node:path';
import { RpcClient } from './rpcClient.ts';
import { environmentIn, type TempDirectory, useTempDirectory } from './tempDirectory.ts';

/** What `initialize` answers. */
export interface Session {
  instanceId: string;
  databasePath: string;
  dbEpoch: string;
  lastChangeId: number;
}

export interface Stored {
  id: string;
  seq: number;
  content: string;
}

/** Instance processes on one database, ended after each test. */
export interface TestInstances {
  readonly directory: TempDirectory;
  readonly path: string;
  /** Starts a process without a word to it. */
  spawn(): RpcClient;
  /** Starts a process on the database; `more` is what `initialize` is told besides. */
  start(client?: string, more?: object): Promise<{ rpc: RpcClient; session: Session }>;
}

const program = join(import.meta.dirname, '../../dist/cli.cjs');

/** Gives every test of the enclosing suite a database of its own that only processes open. */
export function useInstances(): TestInstances {
  const directory = useTempDirectory();
  return {
    directory,
    get path() {
      return join(directory.path, 'db', 'chat.db');
    },
    spawn() {
      const rpc = new RpcClient(program, ['serve', '--stdio'], environmentIn(directory));
      directory.defer(async () => {
        rpc.child.kill('SIGKILL');
        await rpc.exited;
      });
      return rpc;
    },
    async start(client = 'test', more = {}) {
      const rpc = this.spawn();
      const session = await rpc.request<Session>('initialize', { databasePath: this.path, client, ...more });
      return { rpc, session };
    },
  };
}
