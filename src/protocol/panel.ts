import * as v from 'valibot';
import { Attachment } from './attachments.ts';
import type { SerialisedError } from './errors.ts';
import type { Beginning, Conversation, Message, StreamPiece } from './model.ts';

const Id = v.pipe(v.string(), v.uuid());
const Seq = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Numbers of messages, both ends inclusive. */
const Ranges = v.array(v.object({ from: Seq, to: Seq }));

/**
 * A message of the user on its way into the history. Both ids are made by the panel, so that sending it again changes
 * nothing.
 */
export const OutgoingMessage = v.object({
  conversationId: Id,
  messageId: Id,
  content: v.string(),
  /** Who is to answer; without it nobody is asked. */
  model: v.optional(v.string()),
  /** See {@link ChatParts} for these. */
  replyTo: v.optional(Id),
  alternativeOf: v.optional(Id),
  attachments: v.optional(v.array(Attachment)),
});
export type OutgoingMessage = v.InferOutput<typeof OutgoingMessage>;

/** What can be done with code: write it at the cursor, into a new file, or compare the file with it. */
export const CodeAction = v.picklist(['insert', 'create', 'compare']);
export type CodeAction = v.InferOutput<typeof CodeAction>;

/** What the panel asks of the extension host, each answered by {@link PanelResults}. */
export const panelParams = {
  /** The panel's program runs; it names the conversation that this window showed before a reload, if any. */
  ready: v.object({ conversationId: v.nullable(Id) }),
  /**
   * Messages of the shown conversation, both ends inclusive; answers at most 500, the first ones. No message has the
   * number 0, so who asks for that gets the newest number alone.
   */
  range: v.object({ conversationId: Id, fromSeq: Seq, toSeq: Seq }),
  /** Stores a message; a conversation that does not exist yet is created and shown. Then its model is asked. */
  send: OutgoingMessage,
  /** Has a model answer the message with this number once more. */
  reply: v.object({ conversationId: Id, seq: Seq, model: v.string(), alternativeOf: v.optional(Id) }),
  /** Ends a reply, whichever window runs it. */
  stop: v.object({ conversationId: Id, id: Id, seq: Seq }),
  /** Lets the user choose a model; answers null when none was chosen, otherwise the choice, which may be no model. */
  selectModel: v.object({ current: v.nullable(v.string()) }),
  /** `revision` is the one that the editor was opened on; if the message has another by now, it is a `conflict`. */
  edit: v.object({ messageId: Id, content: v.string(), revision: v.optional(v.number()) }),
  /** Asks the user first; answers whether it was deleted. */
  remove: v.object({ messageId: Id }),
  /** Opens a link; `text` is what the reader saw of it. */
  openLink: v.object({ url: v.string(), text: v.string() }),
  /** The whole text of one part of an agent's message; see `ShownPart`. */
  part: v.object({ conversationId: Id, seq: Seq, index: v.number() }),
  /** The messages of a conversation that have the words of a query. */
  find: v.object({ conversationId: Id, query: v.string() }),
  /** Does something with code from a message in the editor that was used last. */
  useCode: v.object({ action: CodeAction, text: v.string(), language: v.string() }),
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
      'devchat.attach',
      'devchat.setApiKey',
      'devchat.branchConversation',
      'devchat.continueInTerminal',
      'devchat.openConversation',
    ]),
    conversationId: v.optional(Id),
    /** Number of a message, where one is meant. */
    seq: v.optional(Seq),
  }),
  /** The end of a conversation is on screen, up to this number; null when it no longer is. */
  seen: v.object({ conversationId: Id, seq: v.nullable(Seq) }),
  /** So many messages wait to be stored, and have done so for a while. */
  unsent: v.object({ count: Seq }),
  /** The panel has the keyboard focus now. */
  focused: v.object({}),
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
  reply: null;
  stop: null;
  selectModel: { model: string | null } | null;
  edit: Message;
  remove: boolean;
  openLink: null;
  part: { text: string };
  /** Numbers of the messages, ascending; of very many the first, and how many there are. */
  find: { seqs: number[]; total: number };
  useCode: null;
  copy: null;
  runCommand: null;
  seen: null;
  unsent: null;
  focused: null;
  resyncing: null;
  resynced: null;
  log: null;
}

/** Whether a panel is the view, of which there is one, or one of any number of editors. */
export type PanelKind = 'view' | 'editor';

/** State of the instance process behind the window, as far as a reader of the panel cares. */
export type Connection = 'starting' | 'ready' | 'restarting' | 'failed';

/** The conversation that a panel shows. */
export interface ShownConversation extends Pick<Conversation, 'id' | 'title' | 'lastSeq'> {
  /** Who has written it, as which model and on which branch, and whether it can go on in a terminal; null if no agent has. */
  agent: { text: string; isResumable: boolean; beginsIn: (Beginning & { title: string }) | null } | null;
}

/** Everything the panel shows except messages: always a full snapshot, so that a lost event does no harm. */
export interface PanelView {
  /** The conversation shown; null before one is chosen or after it was deleted. */
  conversation: ShownConversation | null;
  /** How many other windows show it. */
  otherWindows: number;
  connection: Connection;
  /** Rises whenever the history was read anew: changes may have been missed, so whatever is held is to be looked at. */
  generation: number;
  /** Why the connection failed, in words for the user; null unless `connection` is `failed`. */
  problem: string | null;
  /** Why nothing can be saved at present, in words for the user; null when all is well. */
  readOnly: string | null;
  /** Whether a language model is on offer; null while that is not known. Without one the panel is a synced notebook. */
  hasModel: boolean | null;
  /** Id of the model that a new conversation begins with: the one chosen last in any window. */
  lastModel: string | null;
  /** The instance of this window, as replies name it; null before it runs. */
  instanceId: string | null;
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
  /** Go to a message of a conversation that is shown now or was to be shown before this. */
  | { type: 'jump'; conversationId: string; seq: number }
  /** Something to go with the next message. */
  | { type: 'attach'; attachment: Attachment }
  /** The user wants to choose a model. */
  | { type: 'selectModel' }
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
  outbox: OutgoingMessage[];
  /** What goes with the unsent text under the same key. */
  attachments: Record<string, Attachment[]>;
  /** Models chosen for the next messages of conversations, by id; null stands for none. */
  models: Record<string, string | null>;
  /** Ids of the versions of messages that the reader has chosen. */
  versions: string[];
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
  'toEnd',
  'find',
  'noResults',
  'resultOf',
  'previousMatch',
  'nextMatch',
  'close',
  'showAll',
  'copied',
  'insertAtCursor',
  'createFile',
  'compareWithFile',
  'reasoning',
  'toolCall',
  'toolResult',
  'toolDone',
  'toolFailed',
  'image',
  'otherPart',
  'superseded',
  'edited',
  'notShared',
  'notSharedHint',
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
  'stop',
  'stopped',
  'noModel',
  'chooseModel',
  'setApiKey',
  'answeredBy',
  'thisWindow',
  'sentPart',
  'regenerate',
  'saveAndSend',
  'previousVersion',
  'nextVersion',
  'version',
  'attach',
  'removeAttachment',
  'attachedProblems',
  'attachedTerminal',
  'leftOut',
  'tooMuchAttached',
  'timedOut',
  'branch',
  'inWindows',
  'replyBranches',
  'beginsIn',
  'continueInTerminal',
] as const;
export type PanelStringKey = (typeof panelStringKeys)[number];
