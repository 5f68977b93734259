import { reachWhileItScrolls } from '../scrolling.ts';
import { whenIdle } from './idle.ts';
import { sanitise } from './sanitise.ts';

/** Longer code stays without colours, and a longer formula as it is written: both would hold up the panel. */
const LONGEST_CODE = 20_000;
const LONGEST_FORMULA = 2000;

/** Gives code its colours when there is time; the program for that is loaded with the first one. */
export function colourLater(code: HTMLElement, language: string): void {
  const text = code.textContent;
  if (language === '' || text.length > LONGEST_CODE) return;
  whenIdle(async () => {
    if (!code.isConnected) return;
    const { highlight } = await import('./highlighter.ts');
    const html = highlight(text, language);
    if (html !== null) code.replaceChildren(sanitise(html, 'coloured'));
  });
}

/** Sets a formula in place of its source when there is time. */
export function setFormulaLater(source: HTMLElement): void {
  const tex = source.textContent;
  if (tex.length > LONGEST_FORMULA) return;
  whenIdle(async () => {
    if (!source.isConnected) return;
    const { toMathMl } = await import('./mathMl.ts');
    const formula = document.createElement('span');
    formula.className = source.tagName === 'PRE' ? 'formula block' : 'formula';
    formula.append(sanitise(toMathMl(tex, source.tagName === 'PRE'), 'formula'));
    source.replaceWith(formula);
    reachWhileItScrolls(formula);
  });
}
