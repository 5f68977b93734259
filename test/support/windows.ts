import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { ensureBrowser } from '../../scripts/lib/browser.mjs';
import { EditorWindow } from './editorWindow.ts';

const browserArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser whose pages are the windows of one editor, as on one desktop. */
export class Windows {
  private readonly browser: Browser;
  private readonly context: BrowserContext;

  private constructor(browser: Browser, context: BrowserContext) {
    this.browser = browser;
    this.context = context;
  }

  /** Starts the browser; `size` is that of each window. */
  static async launch(size = { width: 1280, height: 800 }): Promise<Windows> {
    const executablePath = await ensureBrowser({ required: true });
    const browser = await chromium.launch({
      args: browserArguments,
      // Playwright would swallow these signals; at exit it closes the browser by itself.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      ...(executablePath ? { executablePath } : {}),
    });
    const context = await browser.newContext({ viewport: size, permissions: ['clipboard-read', 'clipboard-write'] });
    return new Windows(browser, context);
  }

  /** Opens an address made by the editor host; resolves when the workbench is restored. */
  async open(url: string): Promise<EditorWindow> {
    const page = await this.newWindow();
    await page.goto(url);
    const window = new EditorWindow(page);
    await window.whenRestored();
    return window;
  }

  /** A page in a desktop window of its own: in one that it shares with others, those behind draw once a second. */
  private async newWindow(): Promise<Page> {
    if (this.context.pages().length === 0) return this.context.newPage();
    const session = await this.browser.newBrowserCDPSession();
    const { targetInfos } = await session.send('Target.getTargets');
    const browserContextId = targetInfos.find(({ type }) => type === 'page')?.browserContextId ?? '';
    const [page] = await Promise.all([
      this.context.waitForEvent('page'),
      session.send('Target.createTarget', { url: 'about:blank', newWindow: true, browserContextId }),
    ]);
    await session.detach();
    return page;
  }

  /** Opens an address that names a test module; resolves with 0 when its `run()` succeeded. */
  async runTests(url: string): Promise<number> {
    const page = await this.newWindow();
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    // VS Code calls this function of the page that embeds it.
    await page.exposeFunction('codeAutomationExit', resolve);
    page.on('crash', () => reject(new Error('The window crashed.')));
    page.on('close', () => reject(new Error('The window was closed.')));
    await page.goto(url);
    return promise;
  }

  /** Closes all windows. */
  async close(): Promise<void> {
    await this.browser.close();
  }
}
