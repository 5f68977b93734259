import { DevChatError } from '../../protocol/errors.ts';
import type { PanelEvent, PanelMethod, PanelParams, PanelRequest, PanelResults } from '../../protocol/panel.ts';

/** What VS Code gives to the page of a webview. */
export interface VsCode {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

/** An event that answers no request. */
export type PanelNews = Exclude<PanelEvent, { type: 'result' | 'error' }>;

const TIMEOUT_MS = 30_000;
/** These may wait for an answer of the user in a dialog of the editor. */
const ASKING_TIMEOUT_MS = 600_000;
const asking: ReadonlySet<PanelMethod> = new Set<PanelMethod>(['remove', 'openLink', 'runCommand']);

interface Pending {
  resolve(result: unknown): void;
  reject(error: unknown): void;
  timer: ReturnType<typeof setTimeout>;
}

/** Requests to the extension host; every one settles, at the latest by its time-out. */
export class Api {
  readonly #vscode: VsCode;
  readonly #timeoutText: string;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  constructor(vscode: VsCode, timeoutText: string) {
    this.#vscode = vscode;
    this.#timeoutText = timeoutText;
  }

  /** Hands every event of the extension host to `onNews`, except the answers to requests. */
  listen(onNews: (news: PanelNews) => void): void {
    window.addEventListener('message', ({ data }: MessageEvent<PanelEvent>) => {
      if (data.type === 'result') this.#take(data.id)?.resolve(data.result);
      else if (data.type === 'error')
        this.#take(data.id)?.reject(new DevChatError(data.error.reason, data.error.message));
      else onNews(data);
    });
  }

  /**
   * Rejects with a {@link DevChatError}, reason `timeout` when nothing answers; or with the signal's reason once that is
   * aborted.
   */
  request<M extends PanelMethod>(method: M, params: PanelParams<M>, signal?: AbortSignal): Promise<PanelResults[M]> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#take(id)?.reject(new DevChatError('timeout', this.#timeoutText)),
        asking.has(method) ? ASKING_TIMEOUT_MS : TIMEOUT_MS,
      );
      this.#pending.set(id, { resolve: (result) => resolve(result as PanelResults[M]), reject, timer });
      signal?.addEventListener('abort', () => this.#take(id)?.reject(signal.reason), { once: true });
      this.#vscode.postMessage({ id, method, params } satisfies PanelRequest);
    });
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }
}
