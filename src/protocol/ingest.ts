import * as v from 'valibot';

/** The agents whose transcripts can be read, by the name that their conversations have as `source`. */
export const Source = v.picklist(['claude-code', 'codex', 'gemini', 'copilot-cli', 'vscode-chat']);
export type Source = v.InferOutput<typeof Source>;

/** What a user may choose about transcripts; what is left out has its default. */
export const IngestSettings = v.object({
  /** `vscode-chat` reads a private format of the editor and is therefore off unless named. */
  sources: v.optional(v.array(Source), ['claude-code', 'codex', 'gemini', 'copilot-cli']),
  /** Directories beside those where the agents keep their transcripts, each laid out like the agent's own. */
  directories: v.optional(v.array(v.object({ source: Source, path: v.string() })), []),
  /** Replaces secrets by their names before anything reaches the disk. */
  redact: v.optional(v.boolean(), true),
  /** Takes the sessions in linked worktrees of the workspace's repositories too. */
  worktrees: v.optional(v.boolean(), true),
  /** Looks at the files at intervals only, for file systems that report no events. */
  polling: v.optional(v.boolean(), false),
  /** Moves conversations to the bin that have not changed for so many days, but for pinned ones; 0 keeps all. */
  retentionDays: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
});
export type IngestSettings = v.InferOutput<typeof IngestSettings>;

/** What a client wants to be read: the transcripts of these folders, in this way. */
export const IngestWish = v.object({ folders: v.array(v.string()), settings: IngestSettings });
export type IngestWish = v.InferOutput<typeof IngestWish>;

/** One part of a message from a transcript, in order. Its text is in the message's content as well. */
export type MessagePart =
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  | { type: 'tool-call'; id: string; name: string; input: unknown }
  /** `output` is left out where the message's content is the whole of it. */
  | { type: 'tool-result'; id: string; output?: string; isError?: true }
  /** Bytes are kept apart, under their SHA-256 in hexadecimal; see the table `blobs`. */
  | { type: 'image'; mediaType: string; size: number; hash: string }
  | { type: 'image'; url: string }
  | { type: 'other'; value: unknown }
  /** The agent's user went back to before this message. */
  | { type: 'superseded' };

/** Tokens of one request to a model. Input excludes what was read from or written to a cache. */
export interface Usage {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  /** Part of the output, where the agent tells it. */
  reasoning: number;
}

/** What became of the records of transcripts: found = stored + duplicates + quarantined. */
export interface IngestCounts {
  found: number;
  /** Records that added something to the history; unknown ones are kept as they are and count here. */
  stored: number;
  duplicates: number;
  quarantined: number;
  /** Records about the agent's own affairs, which are not part of a conversation; not among those found. */
  bookkeeping: number;
  /** Duplicates whose text was another one; the first is kept. */
  conflicts: number;
  /** Secrets that were replaced. */
  redacted: number;
}

/** What an import has come to: how many files were read, and what has become of their records. */
export type ImportResult = IngestCounts & { files: number };

/** One transaction of ingestion, with the name of the file only. */
export interface IngestLogEntry {
  file: string;
  fromPosition: number;
  toPosition: number;
  found: number;
  stored: number;
  duplicates: number;
  quarantined: number;
  durationMs: number;
  /** Unix ms. */
  at: number;
}

/** An account of everything that was ever read, per file and in all. */
export interface IngestReport {
  total: IngestCounts;
  /** `isDeleted`: the agent has removed the file since; what it said is kept. */
  files: (IngestCounts & { path: string; source: Source; isComplete: boolean; isDeleted: boolean })[];
  messages: number;
  conversations: number;
  usage: Usage;
  /** Kinds of records that this version does not know, most frequent first. */
  unknown: { source: Source; kind: string; count: number }[];
  quarantine: { path: string; position: number; reason: string; size: number }[];
  /** The last transactions, newest first. */
  log: IngestLogEntry[];
}

/** Why ingestion works less well than it could, in words for the user. */
export interface Degradation {
  mode: 'polling' | 'no-events' | 'cannot-save' | 'cannot-read';
  text: string;
}

/** How ingestion is doing. Times are Unix milliseconds. */
export interface IngestHealth {
  /** `bulk` while files wait to be read, `active` when something was read in the last minute. */
  state: 'bulk' | 'active' | 'idle' | 'stopped';
  /** Those that changed in the last hour, in directories that tell of changes. */
  filesWatched: number;
  filesKnown: number;
  filesWaiting: number;
  /** Bytes read and bytes still to be read of the files that wait; the rest is known only when they were looked at. */
  progress: { done: number; total: number };
  /** The newest first; names without directories. */
  lastEvents: { file: string; event: string; at: number }[];
  eventsPerMinute: number;
  /** Mean time from asking for a batch of records to its commit, in ms; 0 before the first. */
  meanProcessingMs: number;
  /** Time from a file's last change to the commit of its last record, in ms. */
  lag: Partial<Record<Source, number>>;
  quarantined: number;
  unknown: number;
  redacted: number;
  degraded: Degradation[];
}
