import { cpus, totalmem } from 'node:os';

/** One part of the bench in words and tables. */
export interface Section {
  title: string;
  lines: string[];
  /** Pictures that the lines refer to as `benchmarks/<name>`, as SVG by name. */
  pictures?: ReadonlyMap<string, string>;
}

/** What was promised, and what came of it. */
export interface Target {
  target: string;
  measured: string;
  met: boolean;
}

const header = [
  '# Benchmarks',
  '',
  `Measured by \`npm run bench\` on ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, ` +
    `${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}, Node.js ${process.versions.node}. ` +
    'All figures of a table are of one run; only ratios compare between machines.',
  '',
].join('\n');

/**
 * A document with new sections in place of those of the same titles.
 * @returns undefined when what would stay in the document is of another machine
 */
export function replaceSections(
  document: string,
  titles: readonly string[],
  fresh: readonly Section[],
): string | undefined {
  const texts = new Map(fresh.map(({ title, lines }) => [title, `## ${title}\n\n${lines.join('\n')}\n`]));
  const [before, ...sections] = document.split(/^(?=## )/m);
  for (const text of sections) {
    const title = text.slice(3, text.indexOf('\n'));
    if (texts.has(title) || !titles.includes(title)) continue;
    if (before !== `${header}\n`) return undefined;
    texts.set(title, `${text.trimEnd()}\n`);
  }
  return [header, ...titles.flatMap((title) => texts.get(title) ?? [])].join('\n');
}

/** A table; the first column holds words, the others numbers. */
export function table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const ruler = heads.map((_, column) => (column === 0 ? '---' : '---:'));
  return [heads, ruler, ...rows].map((row) => `| ${row.join(' | ')} |`);
}

/** A table of targets, with a blank line before it. */
export function targetTable(targets: readonly Target[]): string[] {
  const rows = targets.map(
    ({ target, measured, met }) => `| ${target} | ${measured} | ${met ? 'met' : '**missed**'} |`,
  );
  return ['', '| target | measured | |', '| --- | ---: | --- |', ...rows];
}

/** Milliseconds, with as many digits as they deserve. */
export function ms(value: number): string {
  return value.toFixed(value < 10 ? 3 : 1);
}

/** A ratio; one that is not a number (nothing was measured) stays so. */
export function times(value: number): string {
  return value.toFixed(value < 100 ? 2 : 0);
}
