/** From so many UTF-16 code units or lines on, about a dozen screens, a text is folded. */
const LONG = 20_000;
const LONG_LINES = 500;

/** How much of a folded text is shown. */
const BEGINNING = 3000;
const BEGINNING_LINES = 60;

/** Whether a text is so long that it is folded. */
export function isLong(text: string): boolean {
  return text.length > LONG || endOfLines(text, LONG_LINES) < text.length;
}

/** What is shown of a folded text: whole lines, if they are not too long and not all blank. */
export function beginningOf(text: string): string {
  const beginning = text.slice(0, Math.min(BEGINNING, endOfLines(text, BEGINNING_LINES)));
  const lines = beginning.slice(0, Math.max(0, beginning.lastIndexOf('\n')));
  return (lines.trim() === '' ? beginning : lines).toWellFormed();
}

/** Where the first so many lines of a text end. */
function endOfLines(text: string, lines: number): number {
  let end = 0;
  for (let line = 0; line < lines; line++) {
    end = text.indexOf('\n', end) + 1;
    if (end === 0) return text.length;
  }
  return end;
}
