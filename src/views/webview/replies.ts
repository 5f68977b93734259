import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { type Arrangement, arrange } from '../../protocol/alternatives.ts';
import type { Message } from '../../protocol/model.ts';
import type { PanelMethod, PanelParams, PanelResults, PanelState, PanelView } from '../../protocol/panel.ts';
import { readParts } from '../../protocol/parts.ts';
import { emptyPages } from './pages.ts';
import type { Timeline } from './timeline.ts';

const KEPT_VERSIONS = 200;

/** What replies need of the panel. */
export interface ReplyPorts {
  request<M extends PanelMethod>(method: M, params: PanelParams<M>): Promise<PanelResults[M]>;
  state: Signal<PanelState>;
  view: ReadonlySignal<PanelView | null>;
  currentId: ReadonlySignal<string | null>;
  timeline: ReadonlySignal<Timeline | null>;
}

/** Who is asked in the conversation that is shown, what is being answered, and which versions the reader sees. */
export class Replies {
  readonly #ports: ReplyPorts;
  /** By conversation, its newest question: whoever was asked then is asked the next time, in every window. */
  readonly #questions = signal<ReadonlyMap<string, Message>>(new Map());
  readonly #chosen = computed(() => this.#ports.state.value.versions);
  readonly #pages = computed(() => this.#ports.timeline.value?.pages.value ?? emptyPages);

  /** Id of the model that is asked next; null when the message is only stored. */
  readonly model = computed(() => this.#model());

  /** Whether an agent has written the conversation: its messages stay as they are. */
  readonly isImported = computed(() => (this.#ports.view.value?.conversation?.agent ?? null) !== null);

  /** What of the messages held is shown, and which of them have other versions. */
  readonly arrangement: ReadonlySignal<Arrangement> = computed(() =>
    arrange(this.#pages.value.rows, new Set(this.#chosen.value)),
  );

  /** The replies that somebody is writing, except those that are about to end. */
  readonly running = computed(() =>
    this.#pages.value.rows.filter(
      ({ role, status, deletedAt, parts }) =>
        role === 'assistant' && status === 'streaming' && deletedAt === null && !readParts(parts, ['stopped']).stopped,
    ),
  );

  /** Number of the first question that is shown. */
  readonly #firstQuestion = computed(
    () => this.arrangement.value.shown.find(isQuestion)?.seq ?? Number.POSITIVE_INFINITY,
  );

  constructor(ports: ReplyPorts) {
    this.#ports = ports;
  }

  /** Draws the consequences of rows that are about to be shown. */
  takeNote(conversationId: string, rows: readonly Message[]): void {
    const newest = rows.filter(({ role }) => role === 'user').reduce<Message | undefined>(later, undefined);
    const known = this.#questions.value.get(conversationId);
    if (!newest || later(newest, known) !== newest) return;
    this.#questions.value = new Map(this.#questions.value).set(conversationId, newest);
    const { [conversationId]: picked, ...others } = this.#ports.state.value.models;
    // What a message says, every window knows.
    if (picked === newest.model) this.#ports.state.value = { ...this.#ports.state.value, models: others };
  }

  /** The message that one written now follows: the last one shown, if that is the newest. */
  last(): Message | undefined {
    const { rows, lastSeq } = this.#pages.value;
    if (rows.at(-1)?.seq !== lastSeq) return undefined;
    return this.arrangement.value.shown.findLast(({ deletedAt }) => deletedAt === null);
  }

  /** Lets the user choose who is asked in this conversation, or in the one that the next message begins. */
  async selectModel(): Promise<void> {
    const { request, state, currentId } = this.#ports;
    const conversationId = currentId.value;
    const choice = await request('selectModel', { current: this.model.value });
    if (!choice || conversationId === null) return;
    state.value = { ...state.value, models: { ...state.value.models, [conversationId]: choice.model } };
  }

  /** Ends what is being answered in this conversation, whichever windows run it. */
  async stop(): Promise<void> {
    const { request } = this.#ports;
    const stops = this.running.value.map(({ id, conversationId, seq }) => request('stop', { id, conversationId, seq }));
    await Promise.all(stops);
  }

  /** Whether there is a model to ask again, and what to ask it. */
  canAskAgain({ role, seq, status }: Message): boolean {
    const isOver = role === 'assistant' && status !== 'streaming';
    return isOver && !this.isImported.value && this.model.value !== null && seq > this.#firstQuestion.value;
  }

  /** Has the question of a reply answered once more; the reply stays as another version. */
  async again(reply: Message): Promise<void> {
    const question = this.#questionOf(reply);
    const model = this.model.value;
    if (!question || model === null) return;
    this.showNewest(reply);
    const { conversationId, seq } = question;
    await this.#ports.request('reply', { conversationId, seq, model, alternativeOf: reply.id });
  }

  /** Shows one of the versions of a message. */
  show(id: string, versions: readonly string[]): void {
    this.#choose(versions, id);
  }

  /** Shows whichever version of a message is written last. */
  showNewest({ id }: Message): void {
    this.#choose(this.arrangement.value.alternatives.get(id) ?? []);
  }

  #choose(versions: readonly string[], ...chosen: string[]): void {
    const { state } = this.#ports;
    const others = state.value.versions.filter((one) => !versions.includes(one));
    state.value = { ...state.value, versions: [...others, ...chosen].slice(-KEPT_VERSIONS) };
  }

  #model(): string | null {
    const { state, view, currentId } = this.#ports;
    const id = currentId.value;
    const picked = id === null ? undefined : state.value.models[id];
    if (picked !== undefined) return picked;
    const question = id === null ? undefined : this.#questions.value.get(id);
    if (question) return question.model;
    // As long as its messages are not here, nobody knows who is asked.
    const isUnknown = this.#pages.value.rows.length === 0 && this.#pages.value.lastSeq > 0;
    return isUnknown ? null : (view.value?.lastModel ?? null);
  }

  #questionOf({ seq, parts }: Message): Message | undefined {
    const { replyTo } = readParts(parts);
    const { shown } = this.arrangement.value;
    const before = shown.filter((row) => row.seq < seq && isQuestion(row));
    return before.find(({ id }) => id === replyTo) ?? before.at(-1);
  }
}

function isQuestion({ role, deletedAt }: Message): boolean {
  return role === 'user' && deletedAt === null;
}

function later(one: Message | undefined, other: Message | undefined): Message | undefined {
  return (one?.seq ?? 0) >= (other?.seq ?? 0) ? one : other;
}
