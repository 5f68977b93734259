import { HubClient } from '../../../src/hubClient/hubClient.ts';
import { DevChatError, errorText } from '../../../src/protocol/errors.ts';
import type { Share } from '../../../src/protocol/hub.ts';
import type { Database } from '../../../src/store/database.ts';
import { Process } from '../process.ts';
import type { HubServer } from './connection.ts';
import { SimulatedFile } from './database.ts';

/** How long a machine may be without the process that was killed, in ms. */
const RESTART = 3000;

/** One machine: its database, the process that has it open, and the user before it. */
export class Replica {
  readonly name: string;
  readonly file = SimulatedFile.create();
  isOffline = false;
  process: Process;
  db: Database;
  client: HubClient;
  readonly #server: HubServer;
  readonly #share: Share;

  constructor(server: HubServer, { name, share }: { name: string; share: Share }) {
    this.name = name;
    this.#server = server;
    this.#share = share;
    [this.process, this.db, this.client] = this.#start();
  }

  /** Does what the user asks for. A refusal is told to the user; who is not answered knows nothing. */
  async request(what: string, action: (db: Database, origin: string) => Promise<unknown>): Promise<void> {
    const { machine } = this.#server;
    try {
      await action(this.db, this.name);
      machine.note(this.name, what);
      this.client.look();
    } catch (error) {
      machine.note(this.name, what, 'failed:', errorText(error));
      if (!(error instanceof DevChatError)) machine.report(`${this.name}: ${what} failed: ${errorText(error)}`);
    }
  }

  /** Disconnects and connects again, as when the settings are changed. */
  async reconnect(): Promise<void> {
    const { process, client } = this;
    await client.stop();
    if (this.client !== client || process.hasEnded) return;
    this.client = this.#connect(process, this.db);
  }

  /** Breaks the connections of this machine. */
  cut(): void {
    for (const link of this.#server.links) if (link.process === this.process) link.cut('no network');
  }

  #start(): [Process, Database, HubClient] {
    const { machine } = this.#server;
    const process = new Process(machine, this.name, () => undefined);
    const db = this.file.openIn(process);
    process.atEnd(() =>
      machine.clock.after(machine.isCalm ? 0 : machine.random.next() * RESTART, () => {
        [this.process, this.db, this.client] = this.#start();
      }),
    );
    return [process, db, this.#connect(process, db)];
  }

  #connect(process: Process, db: Database): HubClient {
    const server = this.#server;
    const client = new HubClient({
      url: 'http://hub',
      transport: server.transportOf(process, { userId: this.name, isOffline: () => this.isOffline }),
      share: this.#share,
      db,
      instanceId: this.name,
      write: (body) => db.write(body),
      committed: () => undefined,
      clock: process.clock,
      random: () => server.machine.random.next(),
      log: (_, text) => server.machine.note(this.name, 'log:', text),
      changed: () => undefined,
      lost: (edits) => server.machine.note(this.name, 'loses', edits.length),
      streamed: () => undefined,
    });
    client.start();
    return client;
  }
}
