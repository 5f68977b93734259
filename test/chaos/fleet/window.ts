import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  createMessageConnection,
  type MessageConnection,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import type { Message } from '../../../src/protocol/model.ts';
import { MAX_RANGE, type Method, type Notifications, type Params, type Results } from '../../../src/protocol/rpc.ts';
import { type Copy, merge, textHash } from '../history/digest.ts';
import type { Holdings, NewEvent, Operation } from '../history/event.ts';
import type { Recorder } from '../history/recorder.ts';
import { plan } from '../plan.ts';
import { undoLater } from './cleanup.ts';

/** How long a request may take, in ms. */
const PATIENCE = 30_000;

/** Preloaded into every process. */
const probe = join(import.meta.dirname, 'probe.cjs');

/** One `devchat serve --stdio` with a client that keeps a replica and records all it does and hears. */
export class Window {
  readonly name: string;
  readonly child: ChildProcessWithoutNullStreams;
  /** Ends with the process. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly events = new EventEmitter<{ change: []; reload: []; status: []; stream: [] }>().setMaxListeners(0);
  readonly replica = new Map<string, Copy>();
  /** What was said last of the instance, its peers and its leader. */
  status: Notifications['status'] | undefined;
  instanceId = '';
  /** Newest change that this client was told of. */
  cursor = 0;
  reloads = 0;
  /** What the product had to say of the database, in words for the user. */
  readonly notices: string[] = [];
  stderr = '';
  readonly #connection: MessageConnection;
  readonly #recorder: Recorder;
  readonly #loads = new Set<Promise<unknown>>();

  constructor(name: string, recorder: Recorder, environment: Record<string, string>) {
    this.name = name;
    this.#recorder = recorder;
    const child = spawn(process.execPath, ['--require', probe, plan.program, 'serve', '--stdio'], {
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
    }) as ChildProcessWithoutNullStreams;
    this.child = child;
    const forget = undoLater(() => child.kill('SIGKILL'));
    child.stderr.on('data', (chunk: Buffer) => {
      this.stderr = `${this.stderr}${chunk.toString()}`.slice(-20_000);
    });
    // Writing to a process that was killed fails; the rejected requests tell.
    child.stdin.on('error', () => undefined);
    const reader = new StreamMessageReader(child.stdout);
    // Otherwise the end of a process in the middle of a message leaves a timer that starts itself again for ever.
    reader.partialMessageTimeout = 0;
    this.#connection = createMessageConnection(reader, new StreamMessageWriter(child.stdin));
    this.#connection.onError(() => undefined);
    this.exited = once(child, 'close').then(([code, signal]) => {
      this.#connection.dispose();
      forget();
      return { code, signal };
    });
    this.#listen();
    this.#connection.listen();
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** How many sockets it may leave: one, when it was killed between making it and registering it. */
  get strays(): number {
    return this.instanceId ? 0 : 1;
  }

  /** Opens the database and takes in what it holds. */
  async open(databasePath: string): Promise<this> {
    const { instanceId, lastChangeId } = await this.request('initialize', { databasePath, client: this.name });
    this.instanceId = instanceId;
    this.cursor = lastChangeId;
    this.#record({ op: 'start', change: lastChangeId });
    await this.load();
    return this;
  }

  /** Sends a request without recording it. */
  async request<M extends Method>(method: M, params: Params<M>): Promise<Results[M]> {
    const timer = Promise.withResolvers<never>();
    const patience = setTimeout(() => timer.reject(new Error(`${this.name}: no answer to ${method}`)), PATIENCE);
    try {
      return await Promise.race([this.#connection.sendRequest<Results[M]>(method, params), timer.promise]);
    } finally {
      clearTimeout(patience);
    }
  }

  /**
   * Sends a write and records what comes of it.
   * @param intent what of the event is known before the answer
   * @returns the message as it is now; undefined when it was refused, or nobody knows
   */
  async write<M extends 'message/add' | 'message/update' | 'message/delete' | 'stream/start' | 'stream/finish'>(
    method: M,
    params: Params<M>,
    intent: Omit<NewEvent, 'proc'> & { op: Operation },
  ): Promise<Message | undefined> {
    const begun = this.#recorder.now();
    try {
      const message = (await this.request(method, params)) as Message;
      // The text is what was asked for, not what the answer says of it.
      this.#recorder.complete(begun, { ...toCopy(message), ...intent, proc: this.name, result: 'ok' });
      merge(this.replica, toCopy(message));
      return message;
    } catch (error) {
      const reason = reasonOf(error);
      const result = reason === undefined ? 'info' : 'fail';
      this.#recorder.complete(begun, { ...intent, proc: this.name, result, ...(reason && { reason }) });
      return undefined;
    }
  }

  /** Sends a piece of a stream; false when it was not taken. */
  async append(messageId: string, offset: number, text: string): Promise<boolean> {
    this.#record({ op: 'append', message: messageId, offset, text });
    return this.request('stream/append', { messageId, text }).then(
      () => true,
      () => false,
    );
  }

  /** Makes a conversation; undefined when it was refused, or nobody knows. */
  async create(id: string): Promise<string | undefined> {
    const begun = this.#recorder.now();
    const event = { proc: this.name, op: 'create', conversation: id } as const;
    try {
      await this.request('conversation/create', { id });
      this.#recorder.complete(begun, { ...event, result: 'ok' });
      return id;
    } catch (error) {
      const reason = reasonOf(error);
      this.#recorder.complete(begun, { ...event, result: reason ? 'fail' : 'info', ...(reason && { reason }) });
      return undefined;
    }
  }

  /** Reads a stretch of a conversation into the replica. */
  async read(conversation: string, fromSeq: number, toSeq: number): Promise<number> {
    for (let from = fromSeq; ; ) {
      const begun = this.#recorder.now();
      const range = { conversationId: conversation, fromSeq: from, toSeq: Math.min(toSeq, from + MAX_RANGE - 1) };
      const { messages, lastSeq } = await this.request('message/range', range);
      for (const message of messages) {
        this.#recorder.complete(begun, { proc: this.name, op: 'read', result: 'ok', ...toCopy(message) });
        merge(this.replica, toCopy(message));
      }
      this.#recorder.complete(begun, { proc: this.name, op: 'range', result: 'ok', conversation, seq: lastSeq });
      const last = messages.at(-1)?.seq;
      if (last === undefined || last >= Math.min(toSeq, lastSeq)) return lastSeq;
      from = last + 1;
    }
  }

  /** Reads everything. */
  async load(): Promise<void> {
    const { conversations } = await this.request('conversation/list', { includeDeleted: true });
    await Promise.all(conversations.map(({ id, lastSeq }) => (lastSeq > 0 ? this.read(id, 1, lastSeq) : 0)));
  }

  /** Waits until everything that the client was told of is in its replica. */
  async loaded(): Promise<void> {
    while (this.#loads.size > 0) await Promise.all(this.#loads);
  }

  /** What the process holds now; descriptors are counted on Linux only. */
  async holdings(): Promise<Holdings> {
    this.child.send('holdings');
    const [held] = await once(this.child, 'message');
    const descriptors = process.platform === 'linux' ? readdirSync(`/proc/${this.child.pid}/fd`).length : 0;
    return { descriptors, ...held };
  }

  kill(): Promise<unknown> {
    this.child.kill('SIGKILL');
    return this.exited;
  }

  #listen(): void {
    this.#connection.onNotification('change', (params: Notifications['change']) => this.#changed(params));
    this.#connection.onNotification('reload', ({ lastChangeId }: Notifications['reload']) => {
      this.reloads++;
      this.cursor = lastChangeId;
      this.#record({ op: 'reload', change: lastChangeId });
      this.#load(this.load());
      this.events.emit('reload');
    });
    this.#connection.onNotification('notice', ({ text }: Notifications['notice']) => {
      this.notices.push(text);
    });
    this.#connection.onNotification('stream', ({ messageId, offset, text }: Notifications['stream']) => {
      const piece = { message: messageId, offset, length: text.length, hash: textHash(text) };
      this.#record({ op: 'piece', ...piece });
      this.events.emit('stream');
    });
    this.#connection.onNotification('status', (status: Notifications['status']) => {
      this.status = status;
      const { leader, dbEpoch: database } = status;
      if (leader) this.#record({ op: 'leader', database, epoch: leader.epoch, instance: leader.instanceId });
      this.events.emit('status');
    });
  }

  #changed({ changes, messages }: Notifications['change']): void {
    // What came before the answer to `initialize` is contained in it.
    if (!this.instanceId) return;
    for (const { id } of changes) this.#record({ op: 'change', change: id });
    for (const message of messages) {
      this.#record({ op: 'row', ...toCopy(message) });
      merge(this.replica, toCopy(message));
    }
    const brought = new Set(messages.map(({ id }) => id));
    const missing = changes.filter(({ messageId, seq }) => messageId && seq && !brought.has(messageId));
    for (const [conversation, group] of Map.groupBy(missing, ({ conversationId }) => conversationId)) {
      const numbers = group.map(({ seq }) => Number(seq));
      this.#load(this.read(conversation, Math.min(...numbers), Math.max(...numbers)));
    }
    this.cursor = changes.at(-1)?.id ?? this.cursor;
    this.events.emit('change');
  }

  #load(load: Promise<unknown>): void {
    // A process that ends in the middle leaves a replica that nobody looks at.
    const settled = load.catch(() => undefined).finally(() => this.#loads.delete(settled));
    this.#loads.add(settled);
  }

  #record(event: Omit<NewEvent, 'proc'>): void {
    this.#recorder.observe({ proc: this.name, ...event });
  }
}

/** The product's word for why a request was refused; undefined when it was not answered at all. */
export function reasonOf(error: unknown): string | undefined {
  return error instanceof ResponseError ? (error.data as { reason?: string } | undefined)?.reason : undefined;
}

function toCopy({ id, conversationId, seq, revision, content, status, deletedAt }: Message): Copy {
  const hash = textHash(content);
  return { message: id, conversation: conversationId, seq, revision, hash, status, isDeleted: deletedAt !== null };
}
