import { hash } from 'node:crypto';
import type { MessagePart, Usage } from '../protocol/ingest.ts';
import type { MessageStatus, Role } from '../protocol/model.ts';
import { titleFrom } from '../protocol/title.ts';
import { tellingInput } from '../protocol/toolCall.ts';
import { normaliseContent, normaliseTitle } from '../store/text.ts';
import type { Fact, MessageFact, RawPart } from './adapter.ts';
import { identity, rowId } from './identity.ts';
import { mapTexts } from './mapTexts.ts';
import { type Redacted, redact, replaceNamed } from './redaction.ts';

/** Longest text that is kept with its message, in UTF-16 code units; of a longer one the beginning, the whole as a blob. */
const MAX_TEXT = 1_000_000;

/** How much of a tool's output is shown and searched, in UTF-16 code units. */
const MAX_OUTPUT = 10_000;

/** Longest description of a tool's call. */
const MAX_CALL = 200;

/** One part of a message as it is stored: its JSON, and what of it is shown and searched. */
export interface StoredPart {
  json: string;
  text: string;
}

/** Bytes that are kept apart from their message, by hash. */
export interface Blob {
  hash: string;
  mediaType: string;
  bytes: Uint8Array;
}

/** A message, or a piece of one, ready to be stored; key and piece are hashes. */
export interface PreparedMessage {
  kind: 'message';
  session: string;
  key: string;
  /** Of the row, if there is none for the key. */
  id: string;
  piece: string | undefined;
  role: Role;
  author: string | null;
  model: string | null;
  status: MessageStatus;
  time: number;
  parts: StoredPart[];
  replaces: boolean;
  ifPresent: boolean;
  cwd: string | null;
  branch: string | null;
}

export interface PreparedTitle {
  kind: 'title';
  session: string;
  rank: number;
  title: string;
}

export interface PreparedUsage {
  kind: 'usage';
  session: string;
  key: string;
  message: string | undefined;
  model: string | null;
  time: number;
  usage: Usage;
}

export type PreparedFact = PreparedMessage | PreparedTitle | PreparedUsage;

/** Turns facts into what is stored: without secrets, with keys hashed and large things apart. */
export class Preparation {
  /** Secrets replaced so far. */
  redacted = 0;
  /** What was taken out of messages so far. */
  readonly blobs: Blob[] = [];
  readonly #source: string;
  readonly #redact: (text: string) => Redacted;

  constructor(source: string, redactSecrets: boolean) {
    this.#source = source;
    this.#redact = redactSecrets ? redact : (text) => ({ text, count: 0 });
  }

  fact(fact: Fact): PreparedFact {
    switch (fact.kind) {
      case 'message':
        return this.#message(fact);
      case 'title':
        return { ...fact, title: normaliseTitle(titleFrom(this.text(fact.title))) };
      case 'usage': {
        const message = fact.message === undefined ? undefined : identity(this.#source, fact.message);
        return { ...fact, key: identity(this.#source, fact.key), message, model: fact.model ?? null };
      }
    }
  }

  /** A text without secrets. */
  redact(value: string): string {
    const { text, count } = this.#redact(value);
    this.redacted += count;
    return text;
  }

  /** A text without secrets, as it can be stored. */
  text(value: string): string {
    const text = this.redact(value);
    if (text.length <= MAX_TEXT) return normaliseContent(text);
    const blob = this.#keep('text/plain', Buffer.from(text));
    return `${normaliseContent(text.slice(0, MAX_TEXT))}\n… (${text.length} characters; the whole is kept as ${blob})`;
  }

  #message(fact: MessageFact): PreparedMessage {
    const { kind, session, role, time, merge } = fact;
    const key = identity(this.#source, fact.key);
    const parts = fact.parts.map((part) => this.#part(part));
    const replaces = merge === 'replace';
    const piece = replaces ? JSON.stringify([parts, fact.model, fact.status]) : fact.piece;
    return {
      kind,
      session,
      key,
      id: rowId(time, this.#source, key),
      piece: piece === undefined ? undefined : identity(this.#source, piece, 11),
      role,
      author: fact.author ?? null,
      model: fact.model ?? null,
      status: fact.status ?? 'complete',
      time,
      parts,
      replaces,
      ifPresent: fact.ifPresent ?? false,
      cwd: fact.cwd ?? null,
      branch: fact.branch ?? null,
    };
  }

  #part(part: RawPart): StoredPart {
    switch (part.type) {
      case 'text': {
        const text = this.text(part.text);
        return stored({ type: 'text', text }, text);
      }
      case 'reasoning':
        return stored({ type: 'reasoning', text: this.text(part.text) }, '');
      case 'tool-call': {
        const input = this.#value(part.input);
        return stored({ ...part, input }, callText(part.name, input));
      }
      case 'tool-result': {
        const { output = '', ...rest } = part;
        const whole = this.text(output);
        if (whole.length <= MAX_OUTPUT) return stored(rest, whole);
        return stored({ ...rest, output: whole }, `${whole.slice(0, MAX_OUTPUT).toWellFormed()}…`);
      }
      case 'image-data':
        return stored({ type: 'image', ...this.#apart(part) }, '(image)');
      case 'document-data':
        return stored({ type: 'other', value: this.#value({ ...part.value, source: this.#apart(part) }) }, '');
      case 'image':
        return stored(part, '(image)');
      case 'other':
        return stored({ type: 'other', value: this.#value(part.value) }, '');
      case 'superseded':
        return stored(part, '');
    }
  }

  /** Keeps bytes apart. @returns what stands in their place */
  #apart({ mediaType, data }: { mediaType: string; data: string }) {
    const bytes = Buffer.from(data, 'base64');
    return { mediaType, size: bytes.length, hash: this.#keep(mediaType, bytes) };
  }

  #keep(mediaType: string, bytes: Buffer): string {
    const sha = hash('sha256', bytes);
    this.blobs.push({ hash: sha, mediaType, bytes });
    return sha;
  }

  /** A value without secrets. */
  #value(value: unknown): unknown {
    return mapTexts(value, (text, name) => replaceNamed(text, name, (named) => this.text(named)));
  }
}

function stored(part: MessagePart, text: string): StoredPart {
  return { json: JSON.stringify(part), text };
}

/** A call in one line of Markdown: the tool, and the most telling part of its input. */
function callText(name: string, input: unknown): string {
  const line = tellingInput(input);
  const short = line.length > MAX_CALL ? `${line.slice(0, MAX_CALL).toWellFormed()}…` : line;
  const fence = short.includes('`') ? '``' : '`';
  return short === '' ? `**${name}**` : `**${name}** ${fence}${short}${fence}`;
}
