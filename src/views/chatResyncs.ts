import { DevChatError } from '../protocol/errors.ts';
import type { PanelEvent, PanelParams } from '../protocol/panel.ts';
import type { SeqRange } from '../sync/sequence.ts';

/** Called with the number of messages fetched, and of those that are wanted. */
export type ResyncProgress = (fetched: number, wanted: number) => void;

/** A resync that the panel was asked for. */
interface PanelResync {
  conversationId: string;
  onProgress: ResyncProgress;
  resolve(fetchedRanges: readonly SeqRange[]): void;
  reject(error: DevChatError): void;
}

/** The resyncs that a panel was asked for, until it says how they have ended. */
export class ChatResyncs {
  readonly #running = new Set<PanelResync>();

  /** Asks the panel for one; see `ChatController.resync`. */
  async run(
    conversationId: string,
    post: (event: PanelEvent) => void,
    onProgress: ResyncProgress,
    signal: AbortSignal,
  ): Promise<readonly SeqRange[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly SeqRange[]>();
    const resync = { conversationId, onProgress, resolve, reject };
    const cancel = () => post({ type: 'cancelResync', conversationId });
    this.#running.add(resync);
    signal.addEventListener('abort', cancel);
    post({ type: 'resync', conversationId });
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', cancel);
      this.#running.delete(resync);
    }
  }

  /** Ends all of them: the panel has gone, and its page with what it lacked. */
  end(): void {
    for (const { resolve } of this.#running) resolve([]);
  }

  report({ conversationId, fetched, wanted }: PanelParams<'resyncing'>): void {
    for (const { onProgress } of this.#of(conversationId)) onProgress(fetched, wanted);
  }

  settle({ conversationId, fetchedRanges, problem }: PanelParams<'resynced'>): void {
    for (const { resolve, reject } of this.#of(conversationId)) {
      if (problem === null) resolve(fetchedRanges);
      else reject(new DevChatError('unexpected', problem));
    }
  }

  #of(conversationId: string): PanelResync[] {
    return [...this.#running].filter((resync) => resync.conversationId === conversationId);
  }
}
