import { reachWhileItScrolls } from '../scrolling.ts';
import { addHeader, addToolbar, type CodeActions, languageOf } from './codeBlock.tsx';
import { whenIdle } from './idle.ts';
import { colourLater, setFormulaLater } from './later.ts';

const CODE = 'pre:has(> code)';
const FORMULA = 'pre.math, code.math';

/** Gives blocks of code their headers. */
export function addHeaders(blocks: DocumentFragment): void {
  for (const pre of blocks.querySelectorAll<HTMLElement>(CODE)) addHeader(pre);
}

/** Adds what a block gets that changes no more: buttons and colours for code, formulas set, a tab stop where it scrolls. */
export function finishBlocks(nodes: readonly Node[], actions: CodeActions): void {
  for (const pre of find(nodes, CODE)) {
    whenIdle(() => addToolbar(pre, actions));
    const code = pre.querySelector('code');
    if (code) colourLater(code, languageOf(pre));
  }
  for (const source of find(nodes, FORMULA)) setFormulaLater(source);
  for (const block of find(nodes, 'pre, table')) reachWhileItScrolls(block);
}

function find(nodes: readonly Node[], selector: string): HTMLElement[] {
  const roots = nodes.filter((node) => node instanceof HTMLElement);
  return roots.flatMap((root) => [
    ...(root.matches(selector) ? [root] : []),
    ...root.querySelectorAll<HTMLElement>(selector),
  ]);
}
