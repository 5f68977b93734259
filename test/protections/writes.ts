import type { Trap } from './protection.ts';

/** Traps of writing, and of what is written. */
export const writes: readonly Trap[] = [
  {
    name: 'a transaction that reads first is told “busy” at once',
    protections: [
      {
        without: 'the lock comes with the first write',
        file: 'src/store/database.ts',
        remove: 'this.#transaction.immediate(checked)',
        instead: 'this.#transaction.deferred(checked)',
        test: 'test/unit/store/write.test.ts',
        title: 'lets nobody commit between what it reads and what it writes',
      },
      {
        without: 'a lock is waited for once',
        file: 'src/store/busy.ts',
        remove: 'if (!isBusy(error) || performance.now() > deadline) throw error;',
        instead: 'throw error;',
        test: 'test/unit/store/write.test.ts',
        title: 'waits while another connection writes',
      },
      {
        without: 'what reads the file first finds it locked',
        file: 'src/store/database.ts',
        remove: `await retryWhileBusy(() => opened.prepare('SELECT sqlite_version()').pluck().get());`,
        instead: `opened.prepare('SELECT sqlite_version()').pluck().get();`,
        test: 'test/unit/store/write.test.ts',
        title: 'waits while another window holds the lock, at whatever moment',
      },
    ],
  },
  {
    name: 'writers starve each other',
    protections: [
      {
        without: 'sixteen writers wait for their turn once',
        file: 'src/store/busy.ts',
        remove: 'if (!isBusy(error) || performance.now() > deadline) throw error;',
        instead: 'throw error;',
        test: 'test/chaos/cases/writers.test.ts',
        title: 'all get their turn, and none is refused',
      },
      {
        without: 'one long wait blocks the process',
        file: 'src/store/busy.ts',
        remove: 'BUSY_TIMEOUT = 20;',
        instead: 'BUSY_TIMEOUT = 5000;',
        test: 'test/unit/store/schema.test.ts',
        title: 'waits for a lock only briefly at a time',
      },
      {
        without: 'a lock is waited for without end',
        file: 'src/store/busy.ts',
        remove: 'if (!isBusy(error) || performance.now() > deadline) throw error;',
        instead: 'if (!isBusy(error)) throw error;',
        test: 'test/unit/store/write.test.ts',
        title: 'gives up with a reason',
      },
    ],
  },
  {
    name: 'a reader without end pins the log',
    protections: [
      {
        without: 'a read goes on until the next one',
        file: 'src/store/database.ts',
        remove: 'return this.#transaction.deferred(body) as T;',
        instead: `if (!this.#sqlite.inTransaction) this.#sqlite.exec('BEGIN');
      return body() as T;`,
        test: 'test/unit/store/write.test.ts',
        title: 'leaves a short log however much is written',
      },
      {
        without: 'the log is never emptied',
        file: 'src/instance/databaseSyncStore.ts',
        remove: 'const length = db.checkpoint();',
        instead: 'const length = 0;',
        test: 'test/unit/instance/maintenance.test.ts',
        title: 'empties the log',
      },
      {
        without: 'nobody tells of a long log',
        file: 'src/instance/databaseSyncStore.ts',
        remove: 'if (length > MAX_LOG) log(',
        instead: 'if (false) log(',
        test: 'test/unit/instance/maintenance.test.ts',
        title: 'tells of a log that a reader without end',
      },
    ],
  },
  {
    name: 'NORMAL in place of FULL',
    protections: [
      {
        without: 'a commit does not wait for the disk',
        file: 'src/store/database.ts',
        remove: `opened.pragma('synchronous = FULL');`,
        instead: `opened.pragma('synchronous = NORMAL');`,
        test: 'test/unit/store/schema.test.ts',
        title: 'writes ahead and waits for the disk',
      },
    ],
  },
  {
    name: 'an acknowledgement before the row is durable',
    protections: [
      {
        without: 'commits come a moment after their answers',
        file: 'src/store/database.ts',
        remove: '() => this.#transaction.immediate(checked) as ReturnType<typeof checked>;',
        instead: `() => {
          if (this.#sqlite.inTransaction) return checked();
          this.#sqlite.exec('BEGIN IMMEDIATE');
          setTimeout(() => this.#sqlite.exec('COMMIT'), 20);
          return checked();
        };`,
        test: 'test/unit/instance/lifetime.test.ts',
        title: 'loses nothing that it acknowledged',
        isBuilt: true,
      },
    ],
  },
  {
    name: 'a process killed in the middle',
    protections: [
      {
        without: 'each statement is a transaction of its own',
        file: 'src/store/database.ts',
        remove: '() => this.#transaction.immediate(checked) as ReturnType<typeof checked>;',
        instead: '() => checked();',
        test: 'test/unit/store/kill.test.ts',
        title: 'leaves a message whole or not at all',
      },
      {
        without: 'a message that is sent again is another one',
        file: 'src/store/messages.ts',
        remove: 'if (existing?.conversationId === conversationId) return existing;',
        instead: '',
        test: 'test/unit/store/messages.test.ts',
        title: 'are stored once however often they are sent',
      },
      {
        without: 'what was not answered is not sent again',
        file: 'src/instance/client/requestPolicy.ts',
        remove: `  'message/add',\n`,
        instead: '',
        test: 'test/unit/instance/client.test.ts',
        title: 'stores every message once and in order',
      },
    ],
  },
  {
    name: 'an edit of what was changed meanwhile',
    protections: [
      {
        without: 'the last edit wins',
        file: 'src/store/messages.ts',
        remove: 'if (revision !== undefined && revision !== before.revision) {',
        instead: 'if (false) {',
        test: 'test/unit/store/messages.test.ts',
        title: 'are not changed by one who has seen another revision',
      },
    ],
  },
  {
    name: 'query syntax in a search',
    protections: [
      {
        without: 'words are not quoted',
        file: 'src/store/search.ts',
        remove: 'words.map((word) =>',
        instead: 'words.map((word) => word ||',
        test: 'test/unit/store/search.test.ts',
        title: 'accepts every query',
      },
      {
        without: 'everything but white space is a word',
        file: 'src/store/search.ts',
        remove: String.raw`/[\p{L}\p{N}\p{M}_]+/gu`,
        instead: String.raw`/\S+/gu`,
        test: 'test/unit/store/search.test.ts',
        title: 'for words only',
      },
    ],
  },
  {
    name: 'lone surrogates and NUL',
    protections: [
      {
        without: 'lone surrogates are stored as they come',
        file: 'src/store/text.ts',
        remove: 'text.toWellFormed().replaceAll(',
        instead: 'text.replaceAll(',
        test: 'test/unit/store/text.test.ts',
        title: 'is normal after it was made normal',
      },
      {
        without: 'NUL is stored as it comes',
        file: 'src/store/text.ts',
        remove: String.raw`.replaceAll('\0', '\uFFFD')`,
        instead: '',
        test: 'test/unit/store/text.test.ts',
        title: 'replaces what cannot be stored',
      },
    ],
  },
  {
    name: 'malicious patches',
    protections: [
      {
        without: 'a patch gives a document another prototype',
        file: 'src/protocol/patch.ts',
        remove: `new Set(['__proto__', 'constructor', 'prototype'])`,
        instead: 'new Set<string>()',
        test: 'test/hub/patch.test.ts',
        title: 'is refused and changes nothing when it gives the document another prototype',
      },
      {
        without: 'what came before a refused operation stays',
        file: 'src/protocol/patch.ts',
        remove: '{ root: new Survey().copy(document) }',
        instead: '{ root: document }',
        test: 'test/hub/patch.test.ts',
        title: 'leaves the given document as it is',
      },
      {
        without: 'a text grows where it is not',
        file: 'src/protocol/patch.ts',
        remove: 'if (present.length !== offset) {',
        instead: 'if (false) {',
        test: 'test/hub/patch.test.ts',
        title: 'tells the present length where an append does not fit',
      },
    ],
  },
];
