import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { HubClient } from '../../../src/hubClient/hubClient.ts';
import type { HubTransport } from '../../../src/hubClient/transport.ts';
import { webSocketTransport } from '../../../src/hubClient/webSocketTransport.ts';
import type { Share } from '../../../src/protocol/hub.ts';
import type { Message } from '../../../src/protocol/model.ts';
import { createConversation } from '../../../src/store/conversations.ts';
import { Database } from '../../../src/store/database.ts';
import { type LeaderRecord, writeAsLeader } from '../../../src/store/leader.ts';
import { addMessage, updateMessage } from '../../../src/store/messages.ts';
import { outboxState } from '../../../src/store/replica/outbox.ts';
import { shareConversation } from '../../../src/store/replica/sharing.ts';
import { systemClock } from '../../../src/sync/clock.ts';
import { useTempDirectory } from '../../support/tempDirectory.ts';

/** How a replica is connected. */
export interface Connecting {
  url: string;
  token: string;
  share?: Share;
  /** The leadership that writes are made under; by default none is asked for. */
  leader?: LeaderRecord;
  transport?(transport: HubTransport): HubTransport;
}

/** One machine: a database of its own, and the client that keeps it equal to a hub. */
export class TestReplica {
  readonly db: Database;
  readonly origin: string = randomUUID();
  /** What was told to have lost against other edits. */
  readonly lost: string[] = [];
  /** What was told to hold although it was to be deleted. */
  readonly refused: string[] = [];
  client: HubClient | undefined;
  readonly #changes = new EventEmitter().setMaxListeners(0);

  constructor(db: Database) {
    this.db = db;
  }

  connect({ url, token, share = 'none', leader, transport = (same) => same }: Connecting): void {
    this.client = new HubClient({
      url,
      transport: transport(webSocketTransport(url, token)),
      share,
      db: this.db,
      instanceId: this.origin,
      write: (body) => (leader ? writeAsLeader(this.db, leader, body) : this.db.write(body)),
      committed: () => this.#changes.emit('change'),
      clock: systemClock,
      random: Math.random,
      log: () => undefined,
      changed: () => this.#changes.emit('change'),
      lost: (edits) => {
        for (const { name, keptIn } of edits) (keptIn === null ? this.refused : this.lost).push(name);
      },
      streamed: (piece) => this.#changes.emit('piece', piece),
    });
    this.client.start();
  }

  async disconnect(): Promise<void> {
    await this.client?.stop();
    this.client = undefined;
  }

  /** Makes a conversation and shares it. */
  async share(title = 'Talk'): Promise<string> {
    const { id } = await createConversation(this.db, this.origin, { title });
    await shareConversation(this.db, this.origin, id);
    this.client?.look();
    return id;
  }

  async add(conversationId: string, content: string, id: string = randomUUID()): Promise<Message> {
    const message = await addMessage(this.db, this.origin, { conversationId, role: 'user', content, id });
    this.client?.look();
    return message;
  }

  async edit(messageId: string, content: string): Promise<void> {
    await updateMessage(this.db, this.origin, { messageId, content });
    this.client?.look();
  }

  /** Resolves when something holds; looked at whenever the database or the connection has changed. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await once(this.#changes, 'change');
  }

  /** Resolves when nothing waits for the hub. */
  settled(): Promise<void> {
    return this.until(() => this.client?.status().state === 'connected' && this.waiting === 0);
  }

  get waiting(): number {
    return outboxState(this.db).waiting;
  }

  piece(): Promise<unknown> {
    return once(this.#changes, 'piece').then(([piece]) => piece);
  }

  contents(conversationId: string): string[] {
    const rows = this.db.sql(
      'SELECT content FROM messages WHERE conversation_id = ? AND deleted_at IS NULL ORDER BY seq IS NULL, seq, row_id',
    );
    return rows.pluck().all(conversationId) as string[];
  }

  /** Everything that replicas have to agree on. */
  digest(): string {
    const conversations = this.db.sql(
      `SELECT id, title, source, last_seq, deleted_at IS NULL FROM conversations WHERE authority = 'hub' ORDER BY id`,
    );
    const messages = this.db.sql(
      `SELECT m.id, conversation_id, seq, role, author, content, json(parts), status, model, m.deleted_at IS NULL
       FROM messages m JOIN conversations c ON c.id = conversation_id
       WHERE c.authority = 'hub' ORDER BY conversation_id, seq`,
    );
    return JSON.stringify([conversations.raw().all(), messages.raw().all()], null, 1);
  }
}

/** Gives every test machines of its own. */
export function useReplicas(): {
  start(connecting?: Connecting): Promise<TestReplica>;
  /** Two machines that share a conversation with one message, and have nothing more to tell. */
  startTwo(
    connecting: Connecting,
    content?: string,
  ): Promise<{ ann: TestReplica; bob: TestReplica; conversationId: string; message: Message }>;
  defer(cleanup: () => unknown): void;
} {
  const directory = useTempDirectory();
  return {
    async start(connecting) {
      const db = await Database.open(join(directory.path, randomUUID(), 'chat.db'), () => []);
      const replica = new TestReplica(db);
      directory.defer(async () => {
        await replica.disconnect();
        await db.close();
      });
      if (connecting) replica.connect(connecting);
      return replica;
    },
    async startTwo(connecting, content = 'first') {
      const [ann, bob] = [await this.start(connecting), await this.start(connecting)];
      const conversationId = await ann.share();
      const message = await ann.add(conversationId, content);
      await bob.until(() => bob.contents(conversationId).length === 1);
      await converged(ann, bob);
      return { ann, bob, conversationId, message };
    },
    defer: (cleanup) => directory.defer(cleanup),
  };
}

/** Resolves when replicas are equal and none has anything to tell. */
export async function converged(...replicas: TestReplica[]): Promise<void> {
  for (;;) {
    await Promise.all(replicas.map((replica) => replica.settled()));
    if (new Set(replicas.map((replica) => replica.digest())).size === 1) return;
    await Promise.race(replicas.map((replica) => once0(replica)));
  }
}

function once0(replica: TestReplica): Promise<void> {
  const before = replica.digest();
  return replica.until(() => replica.digest() !== before);
}
