import type { MessagePart, Source, Usage } from '../protocol/ingest.ts';
import type { MessageStatus, Role } from '../protocol/model.ts';

/** A JSON object as read: nothing about it is certain. */
export type JsonObject = Record<string, unknown>;

/** A part as an adapter gives it: an image or a document still with its bytes, in base64. */
export type RawPart =
  | MessagePart
  | { type: 'image-data'; mediaType: string; data: string }
  /** `value`: the block that they are the `source` of. */
  | { type: 'document-data'; mediaType: string; data: string; value: JsonObject };

/** A message, or a piece of one, as a record tells it. */
export interface MessageFact {
  kind: 'message';
  /** The agent's id of the conversation. */
  session: string;
  /** Names the message in all files of the source; its copies in forks have the same. */
  key: string;
  /** Names the record among those that make up the message; left out when there is only one. */
  piece?: string;
  role: Role;
  author?: string;
  model?: string;
  status?: MessageStatus;
  /** Unix ms. */
  time: number;
  parts: RawPart[];
  /** How the parts relate to what is known of the message: they are added, or take its place. */
  merge?: 'append' | 'replace';
  /** Where the agent worked then. */
  cwd?: string;
  branch?: string;
  /** Only changes a message that is there already. */
  ifPresent?: true;
}

/** A name for a conversation; the highest rank wins, and of one rank the latest, of prompts the first. */
export interface TitleFact {
  kind: 'title';
  session: string;
  rank: number;
  title: string;
}

/** Tokens of one request; told again with higher figures, each figure's maximum counts. */
export interface UsageFact {
  kind: 'usage';
  session: string;
  key: string;
  /** Key of the message that the request made. */
  message?: string;
  model?: string;
  time: number;
  usage: Usage;
}

export type Fact = MessageFact | TitleFact | UsageFact;

/** What a record says: facts, nothing about the conversation, or something this version does not understand. */
export type Reading = Fact[] | 'bookkeeping' | 'unknown';

/** What the files beside a transcript tell of it. */
export interface Surroundings {
  cwd?: string | undefined;
  title?: string | undefined;
}

/** What an adapter remembers from record to record of one file; JSON, kept with the file's position. */
export interface FileState extends JsonObject {
  /** What is said in the conversation, by any name: kept without secrets, and only as long as the conversation. */
  texts?: Record<string, string>;
}

/** How one agent's transcripts are found and read. Everything here is pure: bytes are read elsewhere. */
export interface Adapter {
  source: Source;
  /** The directories where the agent keeps its transcripts. */
  roots(home: string, env: NodeJS.ProcessEnv): string[];
  /** Whether a directory, by its path relative to the root with `/` in it, can lead to transcripts of the folders. */
  mayHold(path: string, folders: readonly string[]): boolean;
  /** Whether a file in such a directory is a transcript, by its path relative to the root. */
  isTranscript(path: string): boolean;
  /** Whether a file is one document that is written anew, not a list of lines that grows. */
  isDocument(path: string): boolean;
  /** The records of such a document; undefined when it is none (yet). */
  split?(text: string): unknown[] | undefined;
  /** The state at the beginning of a file. */
  begin(path: string): FileState;
  /** Working directory that a record names. */
  cwd(record: JsonObject): string | undefined;
  /** What can be learned beside the file; `read` gives the text of a small file by its relative path. */
  surroundings?(
    path: string,
    read: (relativePath: string) => string | undefined,
    folders: readonly string[],
  ): Surroundings;
  /** Understands one record; may change the state. */
  read(record: JsonObject, state: FileState): Reading;
}

/** Ranks of titles: what the user chose, what a model made, and what stands in for one. */
export const titleRank = {
  sharedPrompt: 1,
  firstPrompt: 2,
  summary: 3,
  lastPrompt: 4,
  generated: 5,
  chosen: 6,
} as const;
