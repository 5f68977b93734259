import type { Locator, Page } from 'playwright-core';

/** How long a row is looked for, in ms: it may still be on its way. */
const PATIENCE = 30_000;

/** How long a row must have been covered, or a menu not there, before something is done about it, in ms. */
const CLICK = 2000;

/** Distance of a turn of the wheel in pixels, of which the editor takes part, and how many turns go in one direction. */
const TURN = 100;
const TURNS = 30;

/** A tree view of the workbench, found by its accessible name. */
export class EditorTree {
  private readonly page: Page;
  private readonly tree: Locator;

  constructor(page: Page, name: string) {
    this.page = page;
    this.tree = page.getByRole('tree', { name });
  }

  /** The accessible names of all rows on screen. */
  async labels(): Promise<string[]> {
    const rows = await this.tree.getByRole('treeitem').all();
    return Promise.all(rows.map(async (row) => (await row.getAttribute('aria-label')) ?? ''));
  }

  /** The row whose accessible name contains `label`. */
  row(label: string | RegExp): Locator {
    return this.tree.getByRole('treeitem', { name: label });
  }

  /** Opens a row as a click does. */
  async open(label: string | RegExp): Promise<void> {
    await this.click(label);
  }

  /** Selects a row beside those that are selected. */
  async selectToo(label: string | RegExp): Promise<void> {
    await this.click(label, { modifiers: ['ControlOrMeta'] });
  }

  /** Chooses an item of a row's context menu. */
  async menu(label: string | RegExp, item: string): Promise<void> {
    // The name ends with the key binding, if there is one.
    const entry = this.page.getByRole('menuitem', { name: new RegExp(`^${item}`) });
    // A menu closes when something else takes the focus, e.g. a panel whose conversation was opened just before.
    for (const deadline = performance.now() + PATIENCE; ; ) {
      await this.click(label, { button: 'right' });
      try {
        // By key: a menu ignores the mouse in the first 100 ms, so as not to take the opening click for a choice.
        await entry.hover({ timeout: CLICK });
        await entry.press('Enter', { timeout: CLICK });
        break;
      } catch (error) {
        if (performance.now() > deadline) throw error;
      }
    }
    await entry.waitFor({ state: 'detached' });
  }

  private async click(label: string | RegExp, options: Parameters<Locator['click']>[0] = {}): Promise<void> {
    await this.reveal(this.row(label));
    // The tooltip of another row may lie over this one.
    await this.page.mouse.move(0, 0);
    const deadline = performance.now() + PATIENCE;
    for (;;) {
      try {
        return await this.row(label).click({ ...options, timeout: CLICK });
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await this.leaveTooltip();
      }
    }
  }

  /** A tooltip that has come up when the mouse was gone already stays until the mouse has been there, too. */
  private async leaveTooltip(): Promise<void> {
    const box = await this.page
      .locator('.workbench-hover')
      .first()
      .boundingBox({ timeout: CLICK })
      .catch(() => null);
    if (box) await this.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await this.page.mouse.move(0, 0);
  }

  /** Scrolls until the row lies wholly between the header that sticks to the top and the lower edge. */
  private async reveal(row: Locator): Promise<void> {
    const deadline = performance.now() + PATIENCE;
    for (let attempt = 0; performance.now() < deadline; attempt++) {
      // Only rows near the view exist.
      const distance = (await this.distance(row)) ?? (attempt % (2 * TURNS) < TURNS ? -TURN : TURN);
      if (distance === 0) return;
      await this.turnWheel(distance);
      await this.tree.evaluate(({ ownerDocument: { defaultView: page } }) => {
        const frame = () => new Promise((done) => page.requestAnimationFrame(done));
        return frame().then(frame);
      });
    }
  }

  private async turnWheel(distance: number): Promise<void> {
    const view = await this.tree.boundingBox();
    if (!view) return;
    await this.page.mouse.move(view.x + view.width / 2, view.y + view.height / 2);
    await this.page.mouse.wheel(0, distance);
    // Before a tooltip comes up and takes the next turn.
    await this.page.mouse.move(0, 0);
  }

  /** How far the list has to scroll to show the row, in pixels; undefined when there is no such row. */
  private distance(row: Locator): Promise<number | undefined> {
    return row.evaluateAll(([first]) => {
      if (!first) return undefined;
      const list = first.closest('.monaco-list');
      const header = list.querySelector('.monaco-tree-sticky-container:not(.empty)')?.offsetHeight ?? 0;
      const [box, view] = [first.getBoundingClientRect(), list.getBoundingClientRect()];
      return Math.min(0, box.top - view.top - header) || Math.max(0, Math.ceil(box.bottom - view.bottom));
    });
  }
}
