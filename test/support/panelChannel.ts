import type { JSHandle } from 'playwright-core';
import type { ChatPanel } from './chatPanel.ts';
import type { EditorWindow } from './editorWindow.ts';

/** What a panel's page does with what its host sends; lives in the page. */
interface PageChannel {
  /** Answers that bring so many messages or more are held back. */
  heldFrom: number;
  lost: number[];
  /** The messages that there was news of, by number, also those that were lost. */
  told: number[];
  answers: number;
  removed: number;
  skeletons: string[];
  release(): void;
  forget(): void;
}

/** As much of a page's global object as is needed there. */
interface Page {
  panelChannel?: PageChannel;
  MessageEvent: new (type: string, init: { data: unknown }) => object;
  dispatchEvent(event: object): void;
  addEventListener(type: string, listener: (event: HostEvent) => void, options?: unknown): void;
}

interface HostEvent {
  data: { type?: string; messages?: { seq: number }[]; result?: { messages?: unknown[] } | null };
}

/** What was seen of a panel's messages. */
export interface Sight {
  /** Answers that brought messages. */
  answers: number;
  /** Messages that went from the screen. */
  removed: number;
  /** Missing stretches that were shown, each as `from-to`. */
  skeletons: string[];
}

/** Stands between a panel and its host: slows answers down, loses news, and watches the messages on screen. */
export class PanelChannel {
  readonly #page: JSHandle<PageChannel>;

  private constructor(page: JSHandle<PageChannel>) {
    this.#page = page;
  }

  /** To be called before the panel is opened. */
  static async install({ page }: EditorWindow): Promise<void> {
    await page.addInitScript(standBetween);
  }

  /** The channel of a panel; from now on the messages of the conversation that it shows are watched. */
  static async of(panel: ChatPanel): Promise<PanelChannel> {
    const handle = await panel.feed.evaluateHandle((feed) => {
      const page = feed.ownerDocument.defaultView;
      const channel: PageChannel = page.panelChannel;
      const observer = new page.MutationObserver((mutations: { addedNodes: unknown; removedNodes: unknown }[]) => {
        for (const { addedNodes, removedNodes } of mutations) {
          for (const { dataset } of removedNodes as Iterable<typeof feed>) if (dataset.seq) channel.removed++;
          for (const { dataset } of addedNodes as Iterable<typeof feed>) {
            if (dataset.from) channel.skeletons.push(`${dataset.from}-${dataset.to}`);
          }
        }
      });
      observer.observe(feed, { childList: true });
      return channel;
    });
    return new PanelChannel(handle);
  }

  /** Holds back every answer with so many messages or more; one that tells only the newest number has none. */
  hold(from = 1): Promise<void> {
    return this.#page.evaluate((channel, heldFrom) => {
      channel.heldFrom = heldFrom;
    }, from);
  }

  /** Lets all that is held back arrive. */
  release(): Promise<void> {
    return this.#page.evaluate((channel) => channel.release());
  }

  /** Drops all that is held back; what comes from now on arrives. */
  forget(): Promise<void> {
    return this.#page.evaluate((channel) => channel.forget());
  }

  /** Drops the news of messages with these numbers. */
  lose(seqs: readonly number[]): Promise<void> {
    return this.#page.evaluate((channel, lost) => {
      channel.lost = [...lost];
    }, seqs);
  }

  /** Resolves when there was news of the message with a number: what follows does not come together with it. */
  async told(seq: number): Promise<void> {
    await this.#page.evaluate(async (channel, wanted) => {
      for (let look = 0; look < 1000 && !channel.told.includes(wanted); look++)
        await new Promise((resolve) => setTimeout(resolve, 20));
      if (!channel.told.includes(wanted)) throw new Error(`no news of message ${wanted}, only of ${channel.told}`);
    }, seq);
  }

  /** What was seen since the last time. */
  look(): Promise<Sight> {
    return this.#page.evaluate((channel) => {
      const { answers, removed, skeletons } = channel;
      Object.assign(channel, { answers: 0, removed: 0, skeletons: [] });
      return { answers, removed, skeletons };
    });
  }
}

/** Runs in every frame of a window before its own programs, by itself: it may use nothing from here. */
function standBetween(): void {
  const page = globalThis as unknown as Page;
  const held: HostEvent['data'][] = [];
  const channel: PageChannel = {
    heldFrom: Number.POSITIVE_INFINITY,
    lost: [],
    told: [],
    answers: 0,
    removed: 0,
    skeletons: [],
    release: () => {
      channel.heldFrom = Number.POSITIVE_INFINITY;
      for (const data of held.splice(0)) page.dispatchEvent(new page.MessageEvent('message', { data }));
    },
    forget: () => {
      channel.heldFrom = Number.POSITIVE_INFINITY;
      held.length = 0;
    },
  };
  page.panelChannel = channel;
  const passes = (data: HostEvent['data']) => {
    const { type, messages, result } = data;
    const brought = type === 'result' && result?.messages ? result.messages.length : -1;
    const isHeld = brought >= channel.heldFrom;
    if (isHeld) held.push(data);
    else if (brought > 0) channel.answers++;
    const told = type === 'messages' ? (messages ?? []).map(({ seq }) => seq) : [];
    channel.told.push(...told);
    return !isHeld && !told.some((seq) => channel.lost.includes(seq));
  };
  // A listener of its own would be gone when the editor writes the panel's document into the frame.
  const add = page.addEventListener;
  page.addEventListener = (type, listener, options) =>
    add.call(page, type, type === 'message' ? (event) => passes(event.data) && listener(event) : listener, options);
}
