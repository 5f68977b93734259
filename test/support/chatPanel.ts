import type { Frame, Locator } from 'playwright-core';
import type { EditorWindow } from './editorWindow.ts';

/** One message as the panel shows it. */
export interface ShownMessage {
  seq: number;
  text: string;
}

/** The chat panel of one window, found the way a screen reader finds it. */
export class ChatPanel {
  readonly frame: Frame;

  private constructor(frame: Frame) {
    this.frame = frame;
  }

  /** The panel of a window, opened when it is not; to be asked for again after the window was reloaded. */
  static async of(window: EditorWindow): Promise<ChatPanel> {
    return new ChatPanel(await window.panelFrame());
  }

  /** The panel of the chat editor that is open or about to open. */
  static async inEditor(window: EditorWindow): Promise<ChatPanel> {
    return new ChatPanel(await window.chatEditorFrame());
  }

  get composer(): Locator {
    return this.frame.getByRole('textbox', { name: 'Message', exact: true });
  }

  /** The button beside the composer; while a reply is being written it has the other name. */
  get stop(): Locator {
    return this.frame.getByRole('button', { name: 'Stop', exact: true });
  }

  /** The button that names the model that is asked. */
  get model(): Locator {
    return this.frame.getByRole('button', { name: /^Choose Model: / });
  }

  get feed(): Locator {
    return this.frame.getByRole('feed');
  }

  /** The button that looks for missing messages. */
  get resync(): Locator {
    return this.frame.getByRole('button', { name: 'Resync', exact: true });
  }

  /** What says that messages are being fetched. */
  get syncing(): Locator {
    return this.frame.getByRole('status', { name: 'Syncing', exact: true });
  }

  /** The missing stretches, each as `from-to`. */
  async skeletons(): Promise<string[]> {
    return this.feed
      .locator('[data-skeleton]')
      .evaluateAll((all) => all.map(({ dataset }) => `${dataset.from}-${dataset.to}`));
  }

  /** Messages whose text contains `text`. */
  message(text: string | RegExp): Locator {
    return this.feed.getByRole('article').filter({ hasText: text });
  }

  /** Writes a message and presses Enter. */
  async send(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press('Enter');
  }

  /** Presses one of the buttons that a message shows when the pointer is on it. */
  async act(
    text: string | RegExp,
    button: 'Copy' | 'Edit' | 'Regenerate' | 'Branch from Here' | 'Delete',
  ): Promise<void> {
    const message = this.message(text);
    await message.hover();
    await message.getByRole('button', { name: button }).click();
  }

  /** What is on screen, in the order of the page. */
  async messages(): Promise<ShownMessage[]> {
    return this.feed.getByRole('article').evaluateAll((articles) =>
      articles.map((article) => ({
        seq: Number(article.getAttribute('data-seq')),
        text: article.querySelector('.body')?.textContent?.trim() ?? '',
      })),
    );
  }
}
