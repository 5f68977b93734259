import { DevChatError, serialiseError } from '../../protocol/errors.ts';
import { MAX_CONTENT_LENGTH, type Message } from '../../protocol/model.ts';
import type { PanelParams, PanelResults, PanelStrings } from '../../protocol/panel.ts';

/** What edits need of the panel. */
export interface EditPorts {
  request<M extends 'edit' | 'range'>(method: M, params: PanelParams<M>): Promise<PanelResults[M]>;
  receive(conversationId: string, rows: readonly Message[], lastSeq: number): void;
  /** Keeps unfinished text; null ends it. */
  write(key: string, text: string | null): void;
  strings: PanelStrings;
  report(error: unknown): void;
}

/** The messages that are being edited, each from the revision that its editor was opened on. */
export class Edits {
  readonly #ports: EditPorts;
  /** By message id. */
  readonly #revisions = new Map<string, number>();

  constructor(ports: EditPorts) {
    this.#ports = ports;
  }

  /** Opens the editor of a message. */
  start(message: Message): void {
    this.#revisions.set(message.id, message.revision);
    this.#ports.write(message.id, message.content);
  }

  /** Forgets what an edit started from. */
  end(messageId: string): void {
    this.#revisions.delete(messageId);
  }

  /** Notes what an edit starts from, unless it is known: an edit from before a reload starts again from here. */
  keepRevision({ id, revision }: Message): void {
    if (!this.#revisions.has(id)) this.#revisions.set(id, revision);
  }

  /** Stores the new text of a message; rejects with what the host says against it. */
  async save({ id, conversationId, seq }: Message, content: string): Promise<void> {
    const { request, receive, strings, report } = this.#ports;
    if (content.length > MAX_CONTENT_LENGTH) throw new DevChatError('too-large', strings.tooLong);
    try {
      const stored = await request('edit', { messageId: id, content, revision: this.#revisions.get(id) });
      receive(stored.conversationId, [stored], stored.seq);
    } catch (error) {
      if (serialiseError(error).reason === 'conflict') this.#acceptRevision(id, conversationId, seq).catch(report);
      throw error;
    }
  }

  /** After the writer was told that somebody else changed the message, saving again means to overwrite that. */
  async #acceptRevision(id: string, conversationId: string, seq: number): Promise<void> {
    const { request, receive } = this.#ports;
    const { messages, lastSeq } = await request('range', { conversationId, fromSeq: seq, toSeq: seq });
    receive(conversationId, messages, lastSeq);
    const newest = messages.find((row) => row.id === id);
    if (newest && this.#revisions.has(id)) this.#revisions.set(id, newest.revision);
  }
}
