import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { v7 as uuid } from 'uuid';
import { type Attachment, attachedLength, MAX_ATTACHMENTS, titleOf } from '../../protocol/attachments.ts';
import { DevChatError } from '../../protocol/errors.ts';
import { MAX_CONTENT_LENGTH, type Message } from '../../protocol/model.ts';
import type { PanelState, PanelStrings } from '../../protocol/panel.ts';
import { readParts } from '../../protocol/parts.ts';
import { moveDraft, withAttached, withDraft } from './drafts.ts';
import type { Outbox, OutboxEntry } from './outbox.ts';
import type { Replies } from './replies.ts';

/** What writing needs of the panel. */
export interface WritingPorts {
  state: Signal<PanelState>;
  draftKey: ReadonlySignal<string>;
  outbox: Outbox;
  replies: Replies;
  strings: PanelStrings;
  /** The conversation that the next message goes to; a new one if none is shown. */
  target(): string;
}

/** Something that was not done with a message as it was then. */
interface Refusal extends Draft {
  problem: string;
}

interface Draft {
  key: string;
  content: string | undefined;
  attachments: Attachment[] | undefined;
}

/** The message that is being written, up to its handing over. */
export class Writing {
  readonly #ports: WritingPorts;
  /** What goes with the next message. */
  readonly attachments = computed(() => {
    const { state, draftKey } = this.#ports;
    return state.value.attachments[draftKey.value] ?? [];
  });
  readonly #refusal = signal<Refusal | null>(null);
  /** Why the message was not sent, or something not attached to it, until it is changed; null when all is well. */
  readonly problem = computed(() => {
    const refusal = this.#refusal.value;
    const { key, content, attachments } = this.#draft();
    const isSame = refusal?.key === key && refusal.content === content && refusal.attachments === attachments;
    return isSame ? refusal.problem : null;
  });

  constructor(ports: WritingPorts) {
    this.#ports = ports;
  }

  /** Adds something to the message; what has the same title before is replaced. */
  attach(attachment: Attachment): void {
    const { strings } = this.#ports;
    const others = this.attachments.value.filter((one) => titleOf(one) !== titleOf(attachment));
    if (attachedLength([...others, attachment]) > MAX_ATTACHMENTS) this.#refuse(strings.tooMuchAttached);
    else this.#setAttached([...others, attachment]);
  }

  detach(attachment: Attachment): void {
    this.#setAttached(this.attachments.value.filter((one) => one !== attachment));
  }

  /** Hands the draft over for storing, and for answering if there is a model, and empties the composer. */
  send(): void {
    const { state, draftKey, outbox, replies, strings, target } = this.#ports;
    const content = state.value.drafts[draftKey.value] ?? '';
    if (content.trim() === '') return;
    if (content.length > MAX_CONTENT_LENGTH) {
      this.#refuse(strings.tooLong);
      return;
    }
    batch(() => {
      const attachments = this.attachments.value;
      const conversationId = target();
      const model = replies.model.value;
      const before = outbox.entries.value.findLast((entry) => entry.conversationId === conversationId);
      const replyTo = before?.messageId ?? replies.last()?.id;
      state.value = withAttached(withDraft(state.value, draftKey.value, null), draftKey.value, []);
      outbox.add({
        conversationId,
        messageId: uuid(),
        content,
        ...(model !== null && { model }),
        ...(replyTo && { replyTo }),
        ...(attachments.length > 0 && { attachments }),
      });
    });
  }

  /**
   * Sends another version of a question, with what was attached to it; what followed on it stays with the old one.
   * @throws {DevChatError} `too-large`
   */
  sendInstead(question: Message, content: string): void {
    const { outbox, replies, strings } = this.#ports;
    const model = replies.model.value;
    if (content.length > MAX_CONTENT_LENGTH) throw new DevChatError('too-large', strings.tooLong);
    const { attachments } = readParts(question.parts);
    replies.showNewest(question);
    outbox.add({
      conversationId: question.conversationId,
      messageId: uuid(),
      content,
      alternativeOf: question.id,
      ...(model !== null && { model }),
      ...(attachments && { attachments }),
    });
  }

  /** Gives an unsent message back to the composer. */
  takeBack({ messageId, content, attachments = [] }: OutboxEntry): void {
    const { state, draftKey, outbox } = this.#ports;
    batch(() => {
      const own = withAttached(withDraft(state.value, messageId, content), messageId, attachments);
      state.value = moveDraft(own, messageId, draftKey.value);
      outbox.remove([messageId]);
    });
  }

  #refuse(problem: string): void {
    this.#refusal.value = { ...this.#draft(), problem };
  }

  #draft(): Draft {
    const { state, draftKey } = this.#ports;
    const key = draftKey.value;
    return { key, content: state.value.drafts[key], attachments: state.value.attachments[key] };
  }

  #setAttached(attachments: Attachment[]): void {
    const { state, draftKey } = this.#ports;
    state.value = withAttached(state.value, draftKey.value, attachments);
  }
}
