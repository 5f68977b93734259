import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame, Locator, Page } from 'playwright-core';
import { root } from '../../scripts/lib/step.mjs';
import type { PanelKind } from '../../src/protocol/panel.ts';
import { EditorTree } from './editorTree.ts';

const openTimeout = 60_000;
const panelTimeout = 60_000;
const commandTimeout = 30_000;
const listTimeout = 2000;

/** Colour themes that VS Code has built in, one of each kind. */
export const themes = {
  light: 'Light Modern',
  dark: 'Dark Modern',
  highContrast: 'Default High Contrast',
  highContrastLight: 'Default High Contrast Light',
} as const;

/** One window of the editor: a page with the workbench, seen as its user sees it. */
export class EditorWindow {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Resolves when the workbench is there with all its contributions, as VS Code's smoke-test driver tells. */
  async whenRestored(): Promise<void> {
    await this.page.waitForFunction(() => Object.hasOwn(globalThis, 'driver'), undefined, { timeout: openTimeout });
    await this.page.evaluate('driver.whenWorkbenchRestored()');
  }

  /** Loads the window again, as its command does; its extension host starts anew. */
  async reload(): Promise<void> {
    const loaded = this.page.waitForEvent('load');
    // The page's own reload may come before the editor has saved which tabs are open.
    await this.command('workbench.action.reloadWindow');
    await loaded;
    await this.whenRestored();
  }

  /** Runs a command that the palette shows, named by its identifier. */
  async command(id: string): Promise<void> {
    const row = this.page.locator(`[data-quick-input-id="${id}"]`);
    // A command that an extension is about to contribute does not join a list that is already open, and a list closes
    // when something else takes the focus: list again.
    for (const deadline = Date.now() + commandTimeout; ; ) {
      await this.page.keyboard.press('F1');
      const found = await this.quickInput()
        .fill(`>${id}`, { timeout: listTimeout })
        .then(() => row.waitFor({ timeout: listTimeout }))
        .then(
          () => true,
          () => false,
        );
      if (found) break;
      if (Date.now() > deadline) throw new Error(`The palette does not offer ${id}.`);
      await this.page.keyboard.press('Escape');
    }
    await row.click();
    await row.waitFor({ state: 'hidden' });
  }

  /** The text field of the quick input that is open (palette, input box or pick list). */
  quickInput(): Locator {
    return this.page.locator('.quick-input-widget:visible input[type=text]');
  }

  /** Types an answer into the open input box, or filters a pick list, and accepts it. */
  async answer(text: string): Promise<void> {
    await this.quickInput().fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** Presses a button of the modal dialog that is open or about to open. */
  async confirm(button: string): Promise<void> {
    const dialog = this.page.getByRole('dialog');
    await dialog.getByRole('button', { name: button, exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
  }

  /** Opens the list of notifications, also of those that did not pop up. */
  async showNotifications(): Promise<void> {
    const list = this.page.locator('.notifications-center.visible');
    // The button closes it, too.
    if (!(await list.isVisible())) await this.page.locator('[id="status.notifications"]').click();
    await list.waitFor();
  }

  /** Notifications with this text, shown or hidden. */
  notification(text: string | RegExp): Locator {
    return this.page.locator('.notification-list-item').filter({ hasText: text });
  }

  /** Shows the container with the conversations and the chat panel. */
  async showDevChat(): Promise<void> {
    // The extension contributes it some time after the workbench was restored.
    await this.page
      .getByRole('tab', { name: /^DevChat/ })
      .first()
      .waitFor();
    await this.command('workbench.view.extension.devchat');
  }

  /** The conversations tree. */
  conversations(): EditorTree {
    return new EditorTree(this.page, 'Conversations');
  }

  /** The frame of the chat panel, opened when it is not; a panel that was closed and opened again has a new one. */
  async panelFrame(): Promise<Frame> {
    const open = await this.findPanel();
    if (open) return open;
    await this.command('devchat.chat.focus');
    return this.nextPanel('view');
  }

  /** The frame of a chat editor that is open or about to open. */
  chatEditorFrame(): Promise<Frame> {
    return this.nextPanel('editor');
  }

  private async findPanel(): Promise<Frame | undefined> {
    for (const frame of this.page.frames()) {
      // A frame that goes away meanwhile is not the panel.
      if (
        (await messageBox(frame, 'view')
          .count()
          .catch(() => 0)) > 0
      )
        return frame;
    }
    return undefined;
  }

  private nextPanel(kind: PanelKind): Promise<Frame> {
    return this.nextFrame((frame) => messageBox(frame, kind));
  }

  /** The frame of a webview that has, or is about to have, an element that a selector finds. */
  frameWith(selector: string): Promise<Frame> {
    return this.nextFrame((frame) => frame.locator(selector));
  }

  private nextFrame(find: (frame: Frame) => Locator): Promise<Frame> {
    const { promise, resolve, reject } = Promise.withResolvers<Frame>();
    const timer = setTimeout(() => reject(new Error('The page of the view did not appear.')), panelTimeout);
    const watch = (frame: Frame) => {
      // A frame that goes away is not the panel.
      const ignore = () => undefined;
      find(frame)
        .waitFor({ timeout: panelTimeout })
        .then(() => resolve(frame), ignore);
    };
    this.page.on('frameattached', watch);
    for (const frame of this.page.frames()) watch(frame);
    return promise.finally(() => {
      clearTimeout(timer);
      this.page.off('frameattached', watch);
    });
  }

  /** Drags the edge of the side bar until it is so many pixels wide. */
  async sideBarWidth(width: number): Promise<void> {
    const bar = this.page.locator('.part.sidebar');
    const box = await bar.boundingBox();
    if (!box) throw new Error('There is no side bar.');
    const y = box.y + box.height / 2;
    await this.page.mouse.move(box.x + box.width, y);
    await this.page.mouse.down();
    await this.page.mouse.move(box.x + width, y, { steps: 4 });
    await this.page.mouse.up();
  }

  /** Saves a picture of the window as `artifacts/<name>.png`. */
  async screenshot(name: string): Promise<void> {
    const folder = join(root, 'artifacts');
    mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: join(folder, `${name}.png`) });
  }

  /** Waits until the workbench has the given kind of theme (see `themes`). */
  async themeKind(kind: 'vs' | 'vs-dark' | 'hc-black' | 'hc-light'): Promise<void> {
    await this.page.locator(`.monaco-workbench.${kind}`).waitFor();
  }

  /** Closes the window; its extension host ends. */
  async close(): Promise<void> {
    await this.page.close();
  }
}

function messageBox(frame: Frame, kind: PanelKind): Locator {
  return frame.locator(`#root[data-kind=${kind}]`).getByRole('textbox', { name: 'Message', exact: true });
}
