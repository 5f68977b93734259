import type { Request } from 'playwright-core';
import type { OneWindow } from './oneWindow.ts';

/** What a hostile text has done to a panel; all empty when it did nothing. */
export interface Harm {
  /** Scripts that ran: which function they called. */
  ran: string[];
  /** Elements and attributes that no text may make. */
  made: string[];
  /** What the content security policy had to stop. */
  stopped: string[];
  /** Requests that left for somewhere else than the editor. */
  requests: string[];
  /** Windows, dialogs, downloads and pages in place of the panel. */
  opened: string[];
}

/** As much of a page's global object as is needed there. */
interface Page {
  document: { addEventListener(type: string, listener: (event: { blockedURI: string }) => void): void; body: Node };
  MutationObserver: new (
    seen: (changes: Iterable<Change>) => void,
  ) => { observe(node: Node, options: object): void; takeRecords(): Iterable<Change> };
}
type PageTraps = Pick<Harm, 'ran' | 'made' | 'stopped'> & { look(): void };
type Change = { target: Node; addedNodes: Iterable<Node> };
interface Node {
  localName?: string;
  outerHTML: string;
  getAttribute(name: string): string | null;
  getAttributeNames(): string[];
  querySelectorAll(selector: string): Iterable<Node>;
  closest(selector: string): Node | null;
}

/** Watches a panel for whatever a text may do there, from now on. */
export async function setTraps({ window, editor, panel }: OneWindow) {
  const outside: Pick<Harm, 'requests' | 'opened'> = { requests: [], opened: [] };
  const own = [`http://127.0.0.1:${editor.host.port}/`, 'data:', 'blob:'];
  const isForeign = (request: Request) => {
    // The panel itself may only load more of its program.
    if (request.frame() === panel.frame) return !/\/dist\/webview\/\w+\.js$/.test(request.url());
    return !own.some((start) => request.url().startsWith(start)) && request.url().includes('evil.example');
  };
  const { page } = window;
  page.on('request', (request) => isForeign(request) && outside.requests.push(request.url()));
  page.on('dialog', (dialog) => {
    outside.opened.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('popup', (popup) => outside.opened.push(`popup ${popup.url()}`));
  page.on('download', (download) => outside.opened.push(`download ${download.url()}`));
  page.on('framenavigated', (frame) => frame === panel.frame && outside.opened.push(`navigated to ${frame.url()}`));
  page.on('frameattached', (frame) => frame.parentFrame() === panel.frame && outside.opened.push('a frame'));
  const inside = await panel.frame.evaluateHandle(setPageTraps);
  /** What was done so far. */
  const harm = async (): Promise<Harm> => {
    const { ran, made, stopped } = await inside.evaluate((traps) => {
      traps.look();
      return traps;
    });
    return { ran, made, stopped, ...outside };
  };
  return { harm };
}

export const noHarm: Harm = { ran: [], made: [], stopped: [], requests: [], opened: [] };

/** Runs in the panel's page by itself. */
function setPageTraps(): PageTraps {
  const page = globalThis as unknown as Page & Record<string, unknown>;
  const traps: PageTraps = { ran: [], made: [], stopped: [], look: () => note(observer.takeRecords()) };
  for (const name of [
    'alert',
    'confirm',
    'prompt',
    'print',
    'open',
    'fetch',
    'XMLHttpRequest',
    'WebSocket',
    'Worker',
  ]) {
    page[name] = () => void traps.ran.push(name);
  }
  page.document.addEventListener('securitypolicyviolation', ({ blockedURI }) => void traps.stopped.push(blockedURI));

  const words = (text: string) => new Set(text.split(' '));
  const elements = words(
    'p br hr h1 h2 h3 h4 h5 h6 blockquote ul ol li pre code em strong s a table thead tbody tr th td label input div span',
  );
  const controls = words('header footer button time details summary textarea output search i');
  const formula =
    /^(math|semantics|m(row|i|n|o|text|space|frac|sqrt|root|sub|sup|subsup|over|under|underover|table|tr|td|style|padded|phantom|error|enclose|labeledtr|multiscripts|prescripts|none))$/;
  const attributes = words(
    'class title align start type checked disabled dir tabindex role href value rows placeholder datetime hidden open',
  );
  const ofFormulas =
    /^(xmlns|display|mathvariant|mathcolor|mathbackground|stretchy|fence|separator|lspace|rspace|minsize|maxsize|accent|accentunder|movablelimits|symmetric|largeop|scriptlevel|displaystyle|linethickness|columnalign|columnspacing|columnlines|rowspacing|rowlines|rowalign|frame|notation|voffset|side|depth|mathsize|width|height|lquote|rquote)$/;
  const isHarmless = (element: Node, name: string) => {
    if (name === 'href') return /^(https?:\/\/|mailto:)/i.test(element.getAttribute(name) ?? '');
    // Of the panel's own making.
    if (/^(data|aria)-/.test(name)) return element.closest('.body') === null || element.closest('button') !== null;
    return attributes.has(name.toLowerCase()) || (ofFormulas.test(name) && element.closest('math') !== null);
  };
  const judge = (element: Node) => {
    const name = element.localName ?? '';
    // Icons are the panel's own, and no text reaches them.
    if (element.closest('button svg') !== null) return;
    const isControl =
      controls.has(name) && (element.closest('.body') === null || element.closest('.codeActions') !== null);
    const isFormula = formula.test(name) && element.closest('.formula') !== null;
    const isKnown = elements.has(name) || isControl || isFormula;
    const wrong = element.getAttributeNames().filter((attribute) => !isHarmless(element, attribute));
    if (!isKnown || wrong.length > 0) traps.made.push(element.outerHTML.slice(0, 200));
  };
  const note = (changes: Iterable<Change>) => {
    for (const { target, addedNodes } of changes) {
      if (target.localName) judge(target);
      for (const node of addedNodes) {
        if (!node.localName) continue;
        judge(node);
        for (const inner of node.querySelectorAll('*')) judge(inner);
      }
    }
  };
  const observer = new page.MutationObserver(note);
  observer.observe(page.document.body, { subtree: true, childList: true, attributes: true });
  return traps;
}
