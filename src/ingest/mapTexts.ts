/** How deep a value may lie before it is kept as text; SQLite reads no more than 1,000. */
const MAX_DEPTH = 64;

/**
 * A copy of a JSON value with every text in it replaced.
 * @param map is told the name of the field that the text is in, if there is one
 */
export function mapTexts(value: unknown, map: (text: string, name?: string) => string, depth = 0): unknown {
  if (typeof value === 'string') return map(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return map(JSON.stringify(value));
  if (Array.isArray(value)) return value.map((one) => mapTexts(one, map, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name.toWellFormed(),
      typeof one === 'string' ? map(one, name) : mapTexts(one, map, depth + 1),
    ]),
  );
}
