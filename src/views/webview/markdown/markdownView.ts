import type { CodeActions } from './codeBlock.tsx';
import { addHeaders, finishBlocks } from './finish.ts';
import { nothingSettled, plainlyAdded, type Rendering, renderNext } from './growing.ts';
import { makeParser } from './parser.ts';
import { sanitise } from './sanitise.ts';

/** Longer texts are shown as they are: parsing them would freeze the panel. */
const LONGEST_MARKDOWN = 200_000;

/** So much of a text is rendered at a time; the rest follows frame by frame. */
const SLICE = 20_000;

const markdown = makeParser({ hasMath: document.getElementById('root')?.dataset['math'] !== undefined });

/** Shows a text as Markdown in an element; while the text grows, its settled blocks keep their elements. */
export class MarkdownView {
  readonly #element: HTMLElement;
  readonly #actions: CodeActions;
  #shown: string | undefined;
  #settled = nothingSettled;
  /** The blocks that may still change. */
  #open: readonly ChildNode[] = [];
  #isFinished = false;
  #wanted = { text: '', isGrowing: false };
  /** The frame in which the next slice is rendered, if there is more to render. */
  #frame: number | undefined;

  constructor(element: HTMLElement, actions: CodeActions) {
    this.#element = element;
    this.#actions = actions;
  }

  show(text: string, isGrowing: boolean): void {
    this.#wanted = { text, isGrowing };
    if (this.#frame === undefined) this.#advance();
  }

  #advance(): void {
    const { text, isGrowing } = this.#wanted;
    const from = text.startsWith(this.#settled.text) ? (this.#shown?.length ?? 0) : 0;
    const slice = text.length > LONGEST_MARKDOWN ? text : text.slice(0, from + SLICE);
    const isLast = slice.length === text.length;
    if (slice !== this.#shown) this.#render(slice, isLast && !isGrowing);
    this.#frame = isLast ? undefined : requestAnimationFrame(() => this.#advance());
    if (!isLast || isGrowing || this.#isFinished) return;
    // Not before: buttons that are made anew with every piece could not be pressed.
    finishBlocks(this.#open, this.#actions);
    this.#isFinished = true;
  }

  #render(text: string, isWhole: boolean): void {
    const isPlain = text.length > LONGEST_MARKDOWN;
    const shown = this.#shown ?? '';
    const words = isWhole || isPlain ? undefined : plainlyAdded(shown, shown.slice(this.#settled.text.length), text);
    const end = words && lastText(this.#element);
    if (end) {
      end.appendData(words);
      this.#shown = text;
      return;
    }
    if (isPlain || !text.startsWith(this.#settled.text)) this.#beginAnew();
    this.#shown = text;
    this.#isFinished = false;
    if (isPlain) this.#replaceOpen([plain(text)]);
    else if (isWhole && this.#settled === nothingSettled) this.#replaceOpen(blocksOf(markdown.render(text)));
    else this.#add(this.#renderNext(text));
  }

  #renderNext(text: string): Rendering {
    const next = renderNext(markdown, text, this.#settled);
    if (next) return next;
    this.#beginAnew();
    return this.#renderNext(text);
  }

  #add({ settled, open, after }: Rendering): void {
    this.#replaceOpen(blocksOf(settled), this.#settled.lead !== '');
    finishBlocks(this.#open, this.#actions);
    this.#open = [];
    this.#settled = after;
    this.#replaceOpen(blocksOf(open), after.lead !== '');
  }

  /** @param goesOn whether the first block has more items or rows of the list or table before it */
  #replaceOpen(nodes: readonly ChildNode[], goesOn = false): void {
    for (const node of this.#open) node.remove();
    // The line breaks behind the tags of a block that goes on are there already.
    const [first, , ...others] = nodes;
    const more = goesOn && first ? [...rowsOf(first).childNodes].slice(1) : [];
    const last = this.#element.lastElementChild;
    if (last) rowsOf(last).append(...more);
    const blocks = goesOn ? others : nodes;
    this.#element.append(...blocks);
    this.#open = [...more, ...blocks];
  }

  #beginAnew(): void {
    this.#element.replaceChildren();
    this.#settled = nothingSettled;
    this.#open = [];
  }
}

function blocksOf(html: string): ChildNode[] {
  if (html === '') return [];
  const blocks = sanitise(html, 'text');
  addHeaders(blocks);
  return [...blocks.childNodes];
}

/** The text that an element ends with, if it ends with a paragraph or an item, and that with text. */
function lastText(element: Element): Text | undefined {
  const last = element.lastElementChild;
  if (last?.matches('ul, ol')) return lastText(last);
  const end = last?.lastChild;
  if (last?.matches('p, li') && end instanceof Text && end.data.trim() !== '') return end;
  return last?.matches('li') ? lastText(last) : undefined;
}

/** What holds the rows of a table, or a list itself. */
function rowsOf(block: Node): Element {
  return block instanceof HTMLTableElement && block.tBodies[0] ? block.tBodies[0] : (block as Element);
}

function plain(text: string): HTMLElement {
  const element = document.createElement('pre');
  element.textContent = text;
  return element;
}
