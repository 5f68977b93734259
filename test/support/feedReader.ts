import assert from 'node:assert/strict';
import { joinAddedRuns } from '../../src/instance/addedRuns.ts';
import { databaseSyncStore } from '../../src/instance/databaseSyncStore.ts';
import type { Conversation, Message } from '../../src/protocol/model.ts';
import { changeHead } from '../../src/store/changeLog.ts';
import { listConversations } from '../../src/store/conversations.ts';
import type { Database } from '../../src/store/database.ts';
import { messageRange } from '../../src/store/messages.ts';
import { ChangeFeed, type FeedPage } from '../../src/sync/changeFeed.ts';
import { systemClock } from '../../src/sync/clock.ts';
import { mergeRanges, type SeqRange, subtractRanges, toRanges } from '../../src/sync/sequence.ts';
import { claimedTwice, emptyPages, gaps, merge, type Pages, want } from '../../src/views/webview/pages.ts';

/** A client that loads everything once, and then applies only what the change feed of an instance gives it. */
export class FeedReader {
  /** How often the feed lost its place, and everything was loaded again. */
  reloads = 0;
  readonly #db: Database;
  readonly #feed: ChangeFeed;
  #conversations = new Map<string, Conversation>();
  #pages = new Map<string, Pages>();

  /**
   * @param db a connection of its own, so that what it is told has come through the file
   * @param limit entries per page of the change log
   */
  constructor(db: Database, limit: number) {
    this.#db = db;
    const { changes } = databaseSyncStore(db, 'reader', () => undefined, assert.fail);
    this.#feed = new ChangeFeed(
      {
        read: (cursor) => changes.after(cursor, limit),
        deliver: (page) => this.#apply(page),
        lost: () => {
          this.reloads++;
          this.#load();
        },
        failed: (error) => assert.fail(error as Error),
        clock: systemClock,
      },
      this.#load(),
    );
  }

  /** Reads the next page of changes. */
  readPage(): void {
    this.#feed.look();
  }

  /** Reads all changes, and compares what came of them with what is loaded afresh. */
  assertUpToDate(): void {
    while (this.#feed.cursor < changeHead(this.#db)) this.#feed.look();
    const { conversations } = listConversations(this.#db, true);
    const held = [...this.#conversations.values()].filter(({ purgedAt }) => purgedAt === null);
    held.sort((a, b) => b.updatedAt - a.updatedAt || (a.id < b.id ? 1 : -1));
    assert.deepEqual(held, conversations);
    for (const { id } of conversations) assert.deepEqual(this.#pages.get(id)?.rows, loadPages(this.#db, id).rows);
  }

  /** @returns the newest change that is contained */
  #load(): number {
    return this.#db.read(() => {
      const { conversations, lastChangeId } = listConversations(this.#db, true);
      this.#conversations = new Map(conversations.map((row) => [row.id, row]));
      this.#pages = new Map(conversations.map(({ id }) => [id, loadPages(this.#db, id)]));
      return lastChangeId;
    });
  }

  /** Does what `History` does with conversations, and `ChatController` and the panel with messages. */
  #apply(page: FeedPage): void {
    for (const row of page.conversations) {
      if ((this.#conversations.get(row.id)?.revision ?? -1) < row.revision) this.#conversations.set(row.id, row);
    }
    for (const [id, entries] of Map.groupBy(joinAddedRuns(page.changes), ({ conversationId }) => conversationId)) {
      const conversation = this.#conversations.get(id);
      if (!conversation || conversation.purgedAt !== null) continue;
      const rows = page.messages.filter(({ conversationId }) => conversationId === id);
      const numbers = entries.flatMap(({ firstSeq, seq }) => (seq === null ? [] : { from: firstSeq ?? seq, to: seq }));
      const touched = mergeRanges(numbers, []);
      // Rows without a number are told to nobody.
      if (touched.length > 0) this.#take(id, rows, conversation.lastSeq);
      this.#fetch(id, subtractRanges(touched, toRanges(rows.map(({ seq }) => seq))));
      this.#take(id, [], conversation.lastSeq);
      for (let missing = this.#gaps(id); missing.length > 0; missing = this.#gaps(id)) this.#fetch(id, missing);
    }
  }

  #gaps(id: string): SeqRange[] {
    return gaps(this.#pages.get(id) ?? emptyPages);
  }

  /** Reads what did not come along. */
  #fetch(conversationId: string, numbers: readonly SeqRange[]): void {
    for (const { from, to } of numbers) {
      const { messages } = messageRange(this.#db, { conversationId, fromSeq: from, toSeq: to });
      assert.equal(messages.length, to - from + 1);
      this.#take(conversationId, messages, 0, (seq) => from <= seq && seq <= to);
    }
  }

  #take(id: string, rows: readonly Message[], lastSeq: number, isOutdated: (seq: number) => boolean = () => false) {
    const pages = this.#pages.get(id) ?? want(emptyPages, 1, Number.POSITIVE_INFINITY);
    assert.equal(claimedTwice(pages, rows, isOutdated), undefined);
    this.#pages.set(id, merge(pages, rows, lastSeq, isOutdated));
  }
}

/** All messages of a conversation, as a panel holds them. */
function loadPages(db: Database, conversationId: string): Pages {
  const { messages, lastSeq } = messageRange(db, { conversationId, fromSeq: 1, toSeq: Number.MAX_SAFE_INTEGER });
  return merge(want(emptyPages, 1, Number.POSITIVE_INFINITY), messages, lastSeq);
}
