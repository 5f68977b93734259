import type { Message } from '../../src/protocol/model.ts';
import type { ReplicaStore, SyncStatus } from '../../src/sync/chat/ports.ts';
import { mergeRanges, type SeqRange, toRanges } from '../../src/sync/sequence.ts';

/** Replicas in memory, and all that was told about them. */
export class MemoryReplica implements ReplicaStore {
  readonly told: SyncStatus[] = [];
  readonly discarded: string[] = [];
  readonly #held = new Map<string, Map<number, Message>>();
  readonly #holes = new Map<string, SeqRange[]>();

  ranges(conversationId: string): SeqRange[] {
    return toRanges(this.rows(conversationId).keys());
  }

  holes(conversationId: string): SeqRange[] {
    return this.#holes.get(conversationId) ?? [];
  }

  /** The held messages by their numbers; a test may change them behind the back of whoever uses the replica. */
  rows(conversationId: string): Map<number, Message> {
    const rows = this.#held.get(conversationId) ?? new Map();
    this.#held.set(conversationId, rows);
    return rows;
  }

  async store(
    conversationId: string,
    messages: readonly Message[],
    holes: readonly SeqRange[],
  ): Promise<number | undefined> {
    const rows = this.rows(conversationId);
    let claimedTwice: number | undefined;
    for (const message of messages) {
      const held = rows.get(message.seq) ?? message;
      if (held.id !== message.id) claimedTwice = message.seq;
      else if (held.revision <= message.revision) rows.set(message.seq, message);
    }
    this.#holes.set(conversationId, mergeRanges(this.holes(conversationId), holes));
    return claimedTwice;
  }

  async discard(conversationId: string, why: string): Promise<void> {
    this.#held.delete(conversationId);
    this.#holes.delete(conversationId);
    this.discarded.push(why);
  }

  setState(_conversationId: string, status: SyncStatus): void {
    this.told.push(status);
  }
}
