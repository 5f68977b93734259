/** What a client asked for and what came of it, or what it was told. */
export type Operation =
  /** A write of a client. `add` and `stream` make the message. */
  | 'create'
  | 'add'
  | 'update'
  | 'delete'
  | 'stream'
  /** One row that a client read, and afterwards the newest number of the whole conversation. */
  | 'read'
  | 'range'
  /** One change-log entry that was delivered to a client, and one row that came with it. */
  | 'change'
  | 'row'
  /** The log could not tell what happened: the client loads everything. */
  | 'reload'
  /** A piece of a stream as its writer sent it, and as a client saw it. */
  | 'append'
  | 'piece'
  /** Who leads, as a client was told. */
  | 'leader'
  /** The beginning of a client, or of a writer's database, and all that a client holds in the end. */
  | 'start'
  | 'open'
  | 'digest'
  /** What a client's process holds when there is nothing to do, the newest one last; and what is left when all have ended. */
  | 'rest'
  | 'end'
  /** Something that the harness did to the system. */
  | 'fault';

/** What a process holds; memory in bytes. */
export interface Holdings {
  descriptors: number;
  timers: number;
  listeners: number;
  memory: number;
}

/** What processes leave behind that have ended; the size of the write-ahead log in bytes. */
export interface Remains {
  sockets: string[];
  peers: string[];
  logSize: number;
}

/** One line of a recorded history. What does not apply is absent. */
export interface Event {
  /** When it began, in ms of the recorder's monotonic clock; no two events have the same. */
  mono: number;
  /** How long it took, in ms. */
  took: number;
  /** The client that saw it; one process is one client. */
  proc: string;
  op: Operation;
  /** `info`: nobody knows whether it happened, because the process or the patience ended. */
  result: 'ok' | 'fail' | 'info';
  /** Fencing epoch of a leadership, and the database whose it is: one that was rebuilt counts anew. */
  epoch?: number;
  database?: string;
  /** The instance that leads. */
  instance?: string;
  conversation?: string;
  message?: string;
  revision?: number;
  seq?: number;
  /** Of the message's text, or of everything in a `digest`. */
  hash?: string;
  status?: string;
  isDeleted?: boolean;
  /** Id of the change-log entry; of a `start` and a `reload`, the newest one that the state contains. */
  change?: number;
  /** Place and length of a piece in the whole text, in UTF-16 code units; of an `append`, the piece itself. */
  offset?: number;
  length?: number;
  text?: string;
  holdings?: Holdings;
  remains?: Remains;
  /** Sockets that may be left in the end, because nobody can know of them any more. */
  strays?: number;
  /** Why it failed, in the product's word. */
  reason?: string;
}

/** An event before the recorder has given it a time. */
export type NewEvent = Omit<Event, 'mono' | 'took' | 'result'> & Partial<Pick<Event, 'took' | 'result'>>;
