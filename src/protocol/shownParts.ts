import type { MessagePart } from './ingest.ts';
import type { Message } from './model.ts';

/** A part of an agent's message as the panel gets it: what is long does not come along. */
export type ShownPart = ShownText | FoldedPart;

/** A stretch of the message's content. */
export interface ShownText {
  type: 'text';
  /** Among the parts that are stored; -1 when it stands for all of them. */
  index: number;
  from: number;
  to: number;
}

/** What is shown in one line until it is opened. */
export interface FoldedPart {
  type: Exclude<MessagePart['type'], 'text'>;
  /** Among the parts that are stored. */
  index: number;
  /** The call of a tool that it belongs to. */
  call: string | null;
  /** The tool's name. */
  name: string | null;
  /** What the line tells of it. */
  summary: string;
  isError: boolean;
  /** All of it, in UTF-16 code units. */
  length: number;
  /** All of it; null when it has to be asked for. */
  text: string | null;
}

/** The parts of a message as the panel got it; none when its content is all there is. */
export function shownParts({ parts }: Message): readonly ShownPart[] {
  return Array.isArray(parts) ? (parts as ShownPart[]) : [];
}
