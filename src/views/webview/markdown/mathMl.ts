import katex from 'katex';

/** Bounds what macros can make of a formula, and the sizes that it can ask for. */
const limits = { maxExpand: 200, maxSize: 20 };

/** A formula as MathML, still to be sanitised; what cannot be understood of it is shown as it is written. */
export function toMathMl(tex: string, isBlock: boolean): string {
  const html = katex.renderToString(tex, {
    ...limits,
    displayMode: isBlock,
    output: 'mathml',
    throwOnError: false,
    strict: 'ignore',
    trust: false,
  });
  // The content security policy would report each of them. Quotes in the formula's own text are escaped.
  return html.replaceAll(/ style="[^"]*"/g, '');
}
