import type { CodeActions } from './codeBlock.tsx';
import { addHeaders, finishBlocks } from './finish.ts';
import { nothingSettled, type Rendering, renderNext } from './growing.ts';
import { makeParser } from './parser.ts';
import { sanitise } from './sanitise.ts';

/** Longer texts are shown as they are: parsing them would freeze the panel. */
const LONGEST_MARKDOWN = 200_000;

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

  constructor(element: HTMLElement, actions: CodeActions) {
    this.#element = element;
    this.#actions = actions;
  }

  show(text: string, isGrowing: boolean): void {
    if (text !== this.#shown) this.#render(text);
    if (isGrowing || this.#isFinished) return;
    // Not before: buttons that are made anew with every piece could not be pressed.
    finishBlocks(this.#open, this.#actions);
    this.#isFinished = true;
  }

  #render(text: string): void {
    const isPlain = text.length > LONGEST_MARKDOWN;
    if (isPlain || !text.startsWith(this.#settled.text)) this.#beginAnew();
    this.#shown = text;
    this.#isFinished = false;
    if (isPlain) this.#replaceOpen([plain(text)]);
    else this.#add(this.#renderNext(text));
  }

  #renderNext(text: string): Rendering {
    const next = renderNext(markdown, text, this.#settled);
    if (next) return next;
    this.#beginAnew();
    return this.#renderNext(text);
  }

  #add({ settled, open, after }: Rendering): void {
    this.#settled = after;
    this.#replaceOpen(blocksOf(settled));
    finishBlocks(this.#open, this.#actions);
    this.#open = [];
    this.#replaceOpen(blocksOf(open));
  }

  #replaceOpen(nodes: readonly ChildNode[]): void {
    for (const node of this.#open) node.remove();
    this.#element.append(...nodes);
    this.#open = nodes;
  }

  #beginAnew(): void {
    this.#element.replaceChildren();
    this.#settled = nothingSettled;
    this.#open = [];
  }
}

function blocksOf(html: string): ChildNode[] {
  const blocks = sanitise(html, 'text');
  addHeaders(blocks);
  return [...blocks.childNodes];
}

function plain(text: string): HTMLElement {
  const element = document.createElement('pre');
  element.textContent = text;
  return element;
}
