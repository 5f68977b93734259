import type { Env, MarkdownIt, Token } from 'markdown-it';
import { type Cut, lastCut } from './cut.ts';

/** How much of a text was rendered for good. */
export interface Settled {
  /** The text itself: blocks, items of a list and rows of a table that no further text can change. */
  text: string;
  /** What a list or table that it ends in needs in front of its next items or rows to be parsed alike; else empty. */
  lead: string;
  /** The link definitions that are in it. */
  own: References;
  /** The link definitions that its links were looked up in. */
  known: References;
}

/** HTML, still to be sanitised, of what goes on behind the settled text. */
export interface Rendering {
  /** What is settled now. With a lead before, its first block has the next items or rows of the last settled block. */
  settled: string;
  /** The rest, which further text may change; it begins in the same way when there is a lead after this. */
  open: string;
  after: Settled;
}

type References = NonNullable<Env['references']>;

export const nothingSettled: Settled = { text: '', lead: '', own: {}, known: {} };

/**
 * Renders a text that begins with a settled one; only what is not settled is parsed. Null when all has to be rendered
 * anew: it ends with a link definition that what is settled did not know, or gives a settled list its first empty line.
 */
export function renderNext(markdown: MarkdownIt, text: string, before: Settled): Rendering | null {
  const { lead } = before;
  const rest = lead + text.slice(before.text.length);
  const env: Env = { references: { ...before.own } };
  const parsed = markdown.parse(rest, env);
  const known = env.references ?? {};
  if (before.text !== '' && !isEqual(known, before.known)) return null;
  if (turnsLoose(parsed, lead)) return null;
  const tokens = lead === '' ? parsed : withoutLead(parsed);
  const cut = lastCut(markdown, tokens, rest, lead.length) ?? { ...nothing, offset: lead.length, lead };
  const render = (part: Token[]) => markdown.renderer.render(part, markdown.options, env);
  const settled = rest.slice(0, cut.offset);
  return {
    settled: render([...tokens.slice(0, cut.index), ...cut.ends]),
    open: render([...cut.begins, ...tokens.slice(cut.index)]),
    after: {
      text: before.text + settled.slice(lead.length),
      lead: cut.lead,
      own: isEqual(known, {}) ? {} : referencesIn(markdown, settled, before.own),
      known,
    },
  };
}

/** Words behind spaces, each with at most one mark behind it: nothing that Markdown would take for more. */
const plainWords = /^(?: [\p{L}\p{M}\p{N}'-]*[,.;:!?]?)+(?<! )$/u;

/**
 * What a text has more than the one before, if that can be added as it stands to the end of the paragraph or item that the
 * text ends with, without parsing anything anew: plain words in a line in which a word stands already. Else undefined.
 * @param open the end of the text before, from where it is not settled
 */
export function plainlyAdded(before: string, open: string, text: string): string | undefined {
  // A definition of a link may turn into text again, and text into one.
  if (!text.startsWith(before) || open.includes(']:')) return undefined;
  const line = open.slice(open.lastIndexOf('\n') + 1);
  const lastWord = line.lastIndexOf(' ');
  if (line.endsWith(' ') || !/\p{L}/u.test(line.slice(0, Math.max(0, lastWord)))) return undefined;
  const added = text.slice(before.length);
  return plainWords.test(line.slice(lastWord) + added) ? added : undefined;
}

const nothing: Pick<Cut, 'index' | 'begins' | 'ends'> = { index: 0, begins: [], ends: [] };

/** Whether a list without empty lines between its items has got one, which changes how all of them are rendered. */
function turnsLoose([, item, paragraph]: readonly Token[], lead: string): boolean {
  return lead !== '' && item?.type === 'list_item_open' && paragraph?.hidden === false && !lead.endsWith('\n\n');
}

/** Drops the lead: the first item of a list, or the head of a table. */
function withoutLead(tokens: readonly Token[]): Token[] {
  const end = tokens.findIndex(({ type }) => type === 'list_item_close' || type === 'thead_close');
  return tokens.toSpliced(1, end);
}

function referencesIn(markdown: MarkdownIt, text: string, references: References): References {
  const env: Env = { references: { ...references } };
  markdown.parse(text, env);
  return env.references ?? {};
}

function isEqual(a: References, b: References): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
