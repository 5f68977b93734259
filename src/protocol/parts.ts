import * as v from 'valibot';
import { Attachment } from './attachments.ts';
import { isRecord } from './json.ts';

/** What the chat keeps in a message's `parts`; a message of another origin may have none of it. */
export interface ChatParts {
  /** The message that this one follows; without it, the one before it by number. */
  replyTo?: string | undefined;
  /** The message that this one is another version of: a second answer, or an edited question. It follows the same. */
  alternativeOf?: string | undefined;
  /** What the user attached, as it was sent. */
  attachments?: Attachment[] | undefined;
  /** The window that runs, or ran, this reply. */
  runBy?: { instanceId: string; name: string } | undefined;
  /** How much of the conversation the model got: so many messages, from this number on. */
  prompt?: { fromSeq: number; messages: number /** Older ones did not fit. */; isPart?: true | undefined } | undefined;
  /** Someone, in any window, wants no more of this reply. */
  stopped?: true | undefined;
  /** Why the reply is not whole, and what to do. */
  failure?: { reason: string; message: string } | undefined;
}

const schemas = {
  replyTo: v.string(),
  alternativeOf: v.string(),
  attachments: v.array(Attachment),
  runBy: v.object({ instanceId: v.string(), name: v.string() }),
  prompt: v.object({ fromSeq: v.number(), messages: v.number(), isPart: v.optional(v.literal(true)) }),
  stopped: v.literal(true),
  failure: v.object({ reason: v.string(), message: v.string() }),
} satisfies Record<keyof ChatParts, v.GenericSchema>;

const names = Object.keys(schemas) as (keyof ChatParts)[];

/**
 * What of stored parts is ours and well formed; the rest is left out, not judged.
 * @param wanted only these are looked at, which saves the time that the others take
 */
export function readParts<K extends keyof ChatParts>(
  parts: unknown,
  wanted: readonly K[] = names as K[],
): Pick<ChatParts, K> {
  if (!isRecord(parts)) return {} as Pick<ChatParts, K>;
  const present = wanted.filter((name) => name in parts);
  const read = present.map((name) => [name, v.safeParse(schemas[name], parts[name])] as const);
  const sound = read.filter(([, { success }]) => success).map(([name, { output }]) => [name, output]);
  return Object.fromEntries(sound) as Pick<ChatParts, K>;
}

/** Stored parts with some of ours changed; what others keep there stays. */
export function mergeParts(parts: unknown, changes: ChatParts): Record<string, unknown> {
  return { ...(isRecord(parts) ? parts : {}), ...changes };
}
