import type { Trap } from './protection.ts';

/** Traps of the change log and of those who follow it. */
export const changes: readonly Trap[] = [
  {
    name: 'snapshot and cursor of different moments',
    protections: [
      {
        without: 'reads are in no transaction',
        file: 'src/store/database.ts',
        remove: 'return this.#transaction.deferred(body) as T;',
        instead: 'return body() as T;',
        test: 'test/unit/store/conversations.test.ts',
        title: 'are listed with the head of the same moment',
      },
    ],
  },
  {
    name: "own commits move the cursor past a sibling's",
    protections: [
      {
        without: 'what was there before the own commit counts as read',
        file: 'src/sync/syncEngine.ts',
        remove: 'read: (cursor, limit) => store.changes.after(cursor, limit),',
        instead: 'read: (cursor, limit) => store.changes.after(Math.max(cursor, store.changes.written() - 1), limit),',
        test: 'test/unit/sync/syncEngine.test.ts',
        title: 'tells what a sibling has committed before an own commit',
      },
      {
        without: 'the cursor moves to the head',
        file: 'src/sync/changeFeed.ts',
        remove: 'this.#cursor = newest.id;',
        instead: 'this.#cursor = page.head;',
        test: 'test/unit/sync/changeFeed.test.ts',
        title: 'delivers each change once and in order',
      },
    ],
  },
  {
    name: 'a nudge during a drain is lost',
    protections: [
      {
        without: 'a look is dropped while another goes on',
        file: 'src/sync/changeFeed.ts',
        remove: '    this.#lookAgain = true;\n    if (!this.#draining) void this.#drain();',
        instead: '    if (this.#draining) return;\n    this.#lookAgain = true;\n    void this.#drain();',
        test: 'test/unit/sync/changeFeed.test.ts',
        title: 'forgets no look, however looks and the pauses',
      },
      {
        without: 'a full page is the last one',
        file: 'src/sync/changeFeed.ts',
        remove: 'if (page.changes.length < PAGE) continue;',
        instead: 'continue;',
        test: 'test/unit/sync/changeFeed.test.ts',
        title: 'forgets no look, however looks and the pauses',
      },
      {
        without: 'nobody looks when a peer is connected',
        file: 'src/sync/peers/peerMesh.ts',
        remove: '    this.#ports.look();\n    this.#ports.peersChanged();',
        instead: '    this.#ports.peersChanged();',
        test: 'test/unit/sync/peerMesh.test.ts',
        title: 'looks for changes whenever a peer was connected',
      },
      {
        without: 'nothing is polled',
        file: 'src/sync/syncEngine.ts',
        remove: 'if (version === this.#dataVersion && this.#store.isInPlace()) return;',
        instead: 'return;',
        test: 'test/unit/sync/syncEngine.test.ts',
        title: 'is told by its poll',
      },
    ],
  },
  {
    name: 'a log pruned past a reader; an empty log',
    protections: [
      {
        without: 'the log does not say what was pruned',
        file: 'src/store/changeLog.ts',
        remove: 'if (cursor < prunedThrough || cursor > head)',
        instead: 'if (cursor > head)',
        test: 'test/unit/store/changeLog.test.ts',
        title: 'says when what follows the cursor was pruned',
      },
      {
        without: 'what is pruned is not recorded',
        file: 'src/store/changeLog.ts',
        remove: `  db.sql(\`UPDATE meta SET value = ? WHERE key = 'pruned_through'\`).run(String(last));\n`,
        instead: '',
        test: 'test/unit/store/changeLog.test.ts',
        title: 'is pruned up to a change, which is on record',
      },
      {
        without: 'a cursor beyond the log is believed',
        file: 'src/store/changeLog.ts',
        remove: 'if (cursor < prunedThrough || cursor > head)',
        instead: 'if (cursor < prunedThrough)',
        test: 'test/unit/store/changeLog.test.ts',
        title: 'says so too when the cursor lies beyond everything',
      },
      {
        without: 'the newest entry that is there is the newest one',
        file: 'src/store/changeLog.ts',
        remove: `Number(db.sql(\`SELECT seq FROM sqlite_sequence WHERE name = 'change_log'\`).pluck().get() ?? 0)`,
        instead: `Number(db.sql('SELECT max(id) FROM change_log').pluck().get() ?? 0)`,
        test: 'test/unit/store/changeLog.test.ts',
        title: 'knows its newest id when all of it was pruned',
      },
      {
        without: 'a reader goes on behind what was pruned',
        file: 'src/sync/changeFeed.ts',
        remove: 'if (page.pruned) {',
        instead: 'if (false) {',
        test: 'test/unit/instance/rpc.test.ts',
        title: 'has everything loaded again when the log was pruned past it',
        isBuilt: true,
      },
    ],
  },
  {
    name: 'a log pruned past a slow window',
    protections: [
      {
        without: 'pruning respects no peer',
        file: 'src/sync/syncEngine.ts',
        remove: 'Math.min(slowest, this.#feed.cursor)',
        instead: 'this.#feed.cursor',
        test: 'test/unit/sync/syncEngine.test.ts',
        title: 'prunes as the leader what every connected peer has read',
      },
      {
        without: 'pruning waits for no word of a peer',
        file: 'src/sync/peers/peerMesh.ts',
        remove: 'return cursors.includes(undefined) ? undefined : Math.min(...cursors.map(Number));',
        instead: 'return Math.min(...cursors.filter((cursor) => cursor !== undefined));',
        test: 'test/unit/sync/syncEngine.test.ts',
        title: 'prunes as the leader what every connected peer has read',
      },
    ],
  },
  {
    name: 'an id is given twice',
    protections: [
      {
        without: 'the next id follows the newest row',
        file: 'src/store/changeLog.ts',
        remove: `INSERT INTO change_log(txn, change_type, conversation_id, message_id, seq, new_title, revision,
      origin_instance_id, created_at)
    VALUES (`,
        instead: `INSERT INTO change_log(id, txn, change_type, conversation_id, message_id, seq, new_title, revision,
      origin_instance_id, created_at)
    VALUES ((SELECT coalesce(max(id), 0) + 1 FROM change_log), `,
        test: 'test/unit/store/schema.test.ts',
        title: 'never gives the number of a removed change again',
      },
      {
        without: 'an id is told before the commit',
        file: 'src/store/database.ts',
        remove: 'return { result: body(), head: changeHead(this) };',
        instead: `const result = body();
      this.#newestChange = changeHead(this);
      return { result, head: this.#newestChange };`,
        test: 'test/unit/store/write.test.ts',
        title: 'makes no number known of a change that was rolled back',
      },
      {
        without: 'an id is marked before the commit',
        file: 'src/store/database.ts',
        remove: 'return { result: body(), head: changeHead(this) };',
        instead: `const result = body();
      this.#mark?.raise(changeHead(this));
      return { result, head: changeHead(this) };`,
        test: 'test/unit/store/write.test.ts',
        title: 'makes no number known of a change that was rolled back',
      },
    ],
  },
  {
    name: 'a page cuts a transaction',
    protections: [
      {
        without: 'a page ends at its limit',
        file: 'src/store/changeLog.ts',
        remove: 'if (last && rows.length === limit) {',
        instead: 'if (last && rows.length > limit) {',
        test: 'test/unit/store/changeLog.test.ts',
        title: 'is told in one page of 250',
      },
      {
        without: 'one who is killed between two pages has half a transaction',
        file: 'src/store/changeLog.ts',
        remove: 'if (last && rows.length === limit) {',
        instead: 'if (last && rows.length > limit) {',
        test: 'test/unit/instance/rpc.test.ts',
        title: 'tells a transaction as a whole',
        isBuilt: true,
      },
    ],
  },
  {
    name: 'changes that echo: idle windows that write',
    protections: [
      {
        without: 'whoever reads a change tells of it',
        file: 'src/sync/syncEngine.ts',
        remove: 'deliver: (page) => events.changed(page),',
        instead: 'deliver: (page) => [events.changed(page), this.#mesh.nudge(page.head)],',
        test: 'test/unit/sync/syncEngine.test.ts',
        title: 'tells its peers nothing of what others have written',
      },
      {
        without: 'an instance registers at every heartbeat',
        file: 'src/sync/peers/peerMesh.ts',
        remove: 'if (own && !isRegistered) this.#inBackground(this.#ports.registry.register(own));',
        instead: `const startedAt = this.#ports.platform.clock.wallTime();
      if (own) this.#inBackground(this.#ports.registry.register({ ...own, startedAt }));`,
        test: 'test/unit/sync/syncEngine.test.ts',
        title: 'writes nothing in an idle minute',
      },
    ],
  },
  {
    name: 'a read that fails in a timer or a socket event',
    protections: [
      {
        without: 'a failed look is not repeated',
        file: 'src/sync/syncEngine.ts',
        remove: 'this.#dataVersion = Number.NaN;',
        instead: '',
        test: 'test/unit/sync/syncEngine.test.ts',
        title: 'cannot be read, and once it can be',
      },
      {
        without: 'a failed look is the last one',
        file: 'src/sync/changeFeed.ts',
        remove: '      this.#draining = false;',
        instead: '',
        test: 'test/unit/sync/changeFeed.test.ts',
        title: 'reports what cannot be read and reads it at the next look',
      },
    ],
  },
];
