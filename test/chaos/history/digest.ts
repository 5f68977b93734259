import { createHash } from 'node:crypto';

/** What a replica knows of one message. */
export interface Copy {
  message: string;
  conversation: string;
  seq: number;
  revision: number;
  hash: string;
  status: string;
  isDeleted: boolean;
}

/** A short fingerprint of a text. */
export function textHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** A fingerprint of all messages a replica holds, whatever order they came in. */
export function digest(copies: Iterable<Copy>): string {
  const lines = [...copies].map(({ conversation, seq, message, revision, hash, status, isDeleted }) =>
    JSON.stringify([conversation, seq, message, revision, hash, status, isDeleted]),
  );
  return textHash(lines.sort().join('\n'));
}

/** Takes in a copy, unless a newer one is there: repetitions and late arrivals change nothing. */
export function merge(replica: Map<string, Copy>, copy: Copy): void {
  const present = replica.get(copy.message);
  if (!present || present.revision < copy.revision) replica.set(copy.message, copy);
}
