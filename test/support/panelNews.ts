import type { PanelEvent } from '../../src/protocol/panel.ts';
import type { ChatPanel } from './chatPanel.ts';

/** As much of a page's global object as is needed there. */
interface Page {
  dispatchEvent(event: object): void;
  MessageEvent: new (type: string, init: { data: unknown }) => object;
  requestAnimationFrame(done: () => void): void;
}

/** Tells a panel something in its host's place; resolves when the next frame is due, which shows it. */
export async function tell({ frame }: ChatPanel, events: readonly PanelEvent[]): Promise<void> {
  await frame.evaluate(async (news) => {
    const page = globalThis as unknown as Page;
    for (const data of news) page.dispatchEvent(new page.MessageEvent('message', { data }));
    await new Promise<void>((resolve) => page.requestAnimationFrame(resolve));
  }, events);
}
