/** A place in a file, by its byte. */
export interface BytePlace {
  path: string;
  position: number;
}

/** A line of a document, and where it leads. */
export interface Line {
  text: string;
  place?: BytePlace;
}

/** A heading with what is below it, if anything is. */
export function section(title: string, lines: readonly (Line | string)[]): Line[] {
  if (lines.length === 0) return [];
  const all = lines.map((line) => (typeof line === 'string' ? { text: line } : line));
  return [{ text: '' }, { text: `## ${title}` }, { text: '' }, ...all];
}

export function textOf(lines: readonly Line[]): string {
  return lines.map(({ text }) => `${text}\n`).join('');
}
