/** One curve over a logarithmic axis. */
export interface Plot {
  title: string;
  unit: string;
  /** Each `[x, y]`; x positive and ascending, y not negative. */
  points: readonly (readonly [number, number])[];
}

const WIDTH = 420;
const HEIGHT = 230;
const LEFT = 56;
const RIGHT = WIDTH - 16;
const TOP = 52;
const BOTTOM = HEIGHT - 36;
/** Room beside the first and the last point, for the figures above them. */
const INSET = 24;
const INK = '#24292f';
const FAINT = '#d0d7de';
const LINE = '#0969da';

const short = new Intl.NumberFormat('en', { notation: 'compact' });
const exact = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

/** Draws a curve as an SVG file, on a light card that is readable on a page of any colour. */
export function drawPlot({ title, unit, points }: Plot): string {
  const step = niceStep(Math.max(...points.map(([, y]) => y)) / 4);
  const highest = step * Math.ceil(Math.max(...points.map(([, y]) => y)) / step);
  const logs = points.map(([x]) => Math.log(x));
  const [first = 0, last = 1] = [logs[0], logs.at(-1)];
  const left = (x: number) =>
    Math.round(LEFT + INSET + ((RIGHT - LEFT - 2 * INSET) * (Math.log(x) - first)) / (last - first));
  const top = (y: number) => Math.round(BOTTOM - ((BOTTOM - TOP) * y) / highest);
  const rulers = Array.from({ length: Math.round(highest / step) + 1 }, (_, index) => index * step);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}"`,
    `  font-family="system-ui, sans-serif" font-size="12" fill="${INK}">`,
    `  <title>${title}</title>`,
    `  <rect width="${WIDTH}" height="${HEIGHT}" rx="8" fill="#f6f8fa" />`,
    `  <text x="16" y="26" font-size="14" font-weight="600">${title}, ${unit}</text>`,
    ...rulers.flatMap((y) => [
      `  <path d="M${LEFT} ${top(y)}H${RIGHT}" stroke="${FAINT}" />`,
      `  <text x="${LEFT - 8}" y="${top(y) + 4}" text-anchor="end">${exact.format(y)}</text>`,
    ]),
    ...points.map(([x]) => `  <text x="${left(x)}" y="${BOTTOM + 22}" text-anchor="middle">${short.format(x)}</text>`),
    `  <path d="M${points.map(([x, y]) => `${left(x)} ${top(y)}`).join('L')}" fill="none" stroke="${LINE}" stroke-width="2" />`,
    ...points.flatMap(([x, y]) => [
      `  <circle cx="${left(x)}" cy="${top(y)}" r="3.5" fill="${LINE}" />`,
      `  <text x="${left(x)}" y="${top(y) - 9}" text-anchor="middle" font-weight="600">${exact.format(y)}</text>`,
    ]),
    '</svg>',
    '',
  ].join('\n');
}

/** The smallest of 1, 2 and 5 times a power of ten that is not below a number. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5].find((factor) => factor * power >= least) ?? 10);
}
