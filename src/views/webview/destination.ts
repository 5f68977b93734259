/** Stands for the end of a conversation in place of a message's number. */
export const END = Number.POSITIVE_INFINITY;

/** Where the reader wants to go. */
export interface Destination {
  conversationId: string;
  /** The message to go to, or {@link END}. */
  seq: number;
  /** Whether the message gets the keyboard focus. */
  takesFocus: boolean;
  /** Whether it is marked for a moment. */
  isMarked: boolean;
}
