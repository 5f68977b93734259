import * as v from 'valibot';
import type { SerialisedError } from './errors.ts';
import type { Conversation, Message, StreamPiece } from './model.ts';

const Id = v.pipe(v.string(), v.uuid());
const Seq = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Numbers of messages, both ends inclusive. */
const Ranges = v.array(v.object({ from: Seq, to: Seq }));

/** What the panel asks of the extension host, each answered by {@link PanelResults}. */
export const panelParams = {
  /** The panel's program runs; it names the conversation that this window showed before a reload, if any. */
  ready: v.object({ conversationId: v.nullable(Id) }),
  /**
   * Messages of the shown conversation, both ends inclusive; answers at most 500, the first ones. No message has the
   * number 0, so who asks for that gets the newest number alone.
   */
  range: v.object({ conversationId: Id, fromSeq: Seq, toSeq: Seq }),
  /**
   * Stores one message of the user. Both ids are made by the panel, so that a repeated send changes nothing;
   * a conversation that does not exist yet is created and shown.
   */
  send: v.object({ conversationId: Id, messageId: Id, content: v.string() }),
  /** `revision` is the one that the editor was opened on; if the message has another by now, it is a `conflict`. */
  edit: v.object({ messageId: Id, content: v.string(), revision: v.optional(v.number()) }),
  /** Asks the user first; answers whether it was deleted. */
  remove: v.object({ messageId: Id }),
  openLink: v.object({ url: v.string() }),
  copy: v.object({ text: v.string() }),
  runCommand: v.object({
    command: v.picklist([
      'devchat.newConversation',
      'devchat.renameConversation',
      'devchat.deleteConversation',
      'devchat.restoreConversation',
      'devchat.resync',
      'devchat.showLog',
      'devchat.restart',
    ]),
    conversationId: v.optional(Id),
  }),
  /** How far the resync has come that the host has asked for. */
  resyncing: v.object({ conversationId: Id, fetched: v.number(), wanted: v.number() }),
  /** That resync is over; `problem` says why it failed, in words for the user. */
  resynced: v.object({ conversationId: Id, fetchedRanges: Ranges, problem: v.nullable(v.string()) }),
  /** Something for the log. */
  log: v.object({ text: v.string() }),
};

export type PanelMethod = keyof typeof panelParams;
export type PanelParams<M extends PanelMethod> = v.InferOutput<(typeof panelParams)[M]>;

export interface PanelResults {
  ready: PanelView;
  range: { messages: Message[]; lastSeq: number };
  send: Message;
  edit: Message;
  remove: boolean;
  openLink: null;
  copy: null;
  runCommand: null;
  resyncing: null;
  resynced: null;
  log: null;
}

/** State of the instance process behind the window, as far as a reader of the panel cares. */
export type Connection = 'starting' | 'ready' | 'restarting' | 'failed';

/** Everything the panel shows except messages: always a full snapshot, so that a lost event does no harm. */
export interface PanelView {
  /** The conversation shown; null before one is chosen or after it was deleted. */
  conversation: Pick<Conversation, 'id' | 'title' | 'lastSeq'> | null;
  connection: Connection;
  /** Rises whenever the history was read anew: changes may have been missed, so whatever is held is to be looked at. */
  generation: number;
  /** Why the connection failed, in words for the user; null unless `connection` is `failed`. */
  problem: string | null;
  /** Why nothing can be saved at present, in words for the user; null when all is well. */
  readOnly: string | null;
  /** True when a language model answers; false makes the panel a synced notebook that says how to add one. */
  hasModel: boolean;
}

/** What the extension host tells the panel. */
export type PanelEvent =
  | { type: 'view'; view: PanelView }
  /**
   * What was added or changed in a conversation that was shown once: rows, tombstones included, the numbers of those
   * that are to be asked for, and its newest number.
   */
  | {
      type: 'messages';
      conversationId: string;
      messages: Message[];
      outdated: v.InferOutput<typeof Ranges>;
      lastSeq: number;
    }
  /** A piece of a message that is being written; one that is lost comes with the message's next row. */
  | { type: 'stream'; piece: StreamPiece }
  /** Something the user should know now, e.g. that the shown conversation was deleted elsewhere. */
  | { type: 'notice'; text: string; restorable: string | null }
  /** Put the keyboard focus in the composer. */
  | { type: 'focus' }
  /** Fetch now what is missing of a conversation; answered by `resynced`, after any number of `resyncing`. */
  | { type: 'resync'; conversationId: string }
  /** End that, with what has come so far. */
  | { type: 'cancelResync'; conversationId: string }
  | { type: 'result'; id: number; result: unknown }
  | { type: 'error'; id: number; error: SerialisedError };

/** A request on the wire from panel to extension host. */
export interface PanelRequest {
  id: number;
  method: PanelMethod;
  params: unknown;
}

/** What the panel keeps for its own window across a reload. Domain data is never among it. */
export interface PanelState {
  conversationId: string | null;
  /** Unsent text by conversation id; the key `''` holds the text written with no conversation shown. */
  drafts: Record<string, string>;
  /** Messages handed over but not yet acknowledged, oldest first; sent again after a reload. */
  outbox: { conversationId: string; messageId: string; content: string }[];
  /** Reading position by conversation id: the first visible message and its offset in CSS pixels; absent at the bottom. */
  anchors: Record<string, { seq: number; offset: number }>;
}

/** Localised texts that the extension host writes into the panel's page. */
export type PanelStrings = Record<PanelStringKey, string>;
export const panelStringKeys = [
  'message',
  'send',
  'placeholder',
  'conversation',
  'empty',
  'emptyHint',
  'emptyConversation',
  'emptyConversationHint',
  'untitled',
  'notebook',
  'connecting',
  'restarting',
  'failed',
  'readOnly',
  'showLog',
  'tryAgain',
  'resync',
  'syncing',
  'newMessages',
  'edited',
  'edit',
  'save',
  'cancel',
  'copy',
  'delete',
  'retry',
  'discard',
  'unsent',
  'tooLong',
  'editLost',
  'restore',
  'dismiss',
  'roleUser',
  'roleAssistant',
  'roleSystem',
  'roleTool',
  'loading',
  'interrupted',
  'timedOut',
] as const;
export type PanelStringKey = (typeof panelStringKeys)[number];
