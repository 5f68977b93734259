import type { Locator, Page } from 'playwright-core';

const ATTEMPTS = 12;
/** Wheel distances, in pixels. */
const PAGE = 100;
const FAR = 10_000;

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
    await this.reveal(this.row(label));
    // The tooltip of another row may lie over this one.
    await this.page.mouse.move(0, 0);
    await this.row(label).click(options);
  }

  /** Scrolls until the row lies wholly between the header that sticks to the top and the lower edge. */
  private async reveal(row: Locator): Promise<void> {
    const search = [-FAR, PAGE, PAGE, PAGE, PAGE, FAR];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      // Only rows near the view exist.
      const distance = (await row.count()) > 0 ? await this.distance(row) : search[attempt % search.length];
      if (!distance) return;
      await this.tree.hover();
      await this.page.mouse.wheel(0, distance);
      await this.tree.evaluate(({ ownerDocument: { defaultView: page } }) => {
        const frame = () => new Promise((done) => page.requestAnimationFrame(done));
        return frame().then(frame);
      });
    }
  }

  /** How far the list has to scroll to show the row, in pixels. */
  private async distance(row: Locator): Promise<number> {
    const view = await this.tree.boundingBox();
    const box = await row.boundingBox();
    if (!view || !box) return 0;
    const [header] = await this.tree.locator('.monaco-tree-sticky-container:not(.empty)').all();
    const above = box.y - (view.y + ((await header?.boundingBox())?.height ?? 0));
    const below = box.y + box.height - (view.y + view.height);
    if (above < 0) return Math.floor(above);
    return below > 0 ? Math.ceil(below) : 0;
  }
}
