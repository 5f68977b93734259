/** What a `#`-mention in a message asks to attach. */
export type Mention = { kind: 'selection' | 'problems' | 'terminal' } | { kind: 'file'; path: string };

/** A path with spaces stands in quotes: `#file:"a b.ts"`. */
const MENTION = /(?<![\w#])#(?:(selection|problems|terminal)\b|file:(?:"([^"\n]+)"|([^\s"#]+)))/gu;

/** Punctuation that ends a sentence rather than a path. */
const AFTER_PATH = /[.,;:!?)\]}]+$/u;

/** The mentions in a text, each once, in the order of their first appearance; those in code are none. */
export function mentionsIn(text: string): Mention[] {
  const prose = text.replace(/(`+)[\s\S]*?\1/gu, ' ');
  const found = new Map<string, Mention>();
  for (const [, kind, quoted, bare] of prose.matchAll(MENTION)) {
    const path = quoted ?? bare?.replace(AFTER_PATH, '');
    if (path) found.set(`file:${path}`, { kind: 'file', path });
    else if (kind) found.set(kind, { kind: kind as 'selection' | 'problems' | 'terminal' });
  }
  return [...found.values()];
}
