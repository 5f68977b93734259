import type { Locator, Page } from 'playwright-core';

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
    await this.click(label, { button: 'right' });
    // The name ends with the key binding, if there is one.
    const entry = this.page.getByRole('menuitem', { name: new RegExp(`^${item}`) });
    // By key: a menu ignores the mouse in the first 100 ms, so as not to take the opening click for a choice.
    await entry.hover();
    await entry.press('Enter');
    await entry.waitFor({ state: 'detached' });
  }

  private async click(label: string | RegExp, options: Parameters<Locator['click']>[0] = {}): Promise<void> {
    // Only rows in view are there.
    for (const distance of [0, -10_000, 100, 100, 100, 10_000]) {
      if ((await this.row(label).count()) > 0) break;
      await this.tree.hover();
      await this.page.mouse.wheel(0, distance);
    }
    // The tooltip of another row may lie over this one.
    await this.page.mouse.move(0, 0);
    await this.row(label).click(options);
  }
}
