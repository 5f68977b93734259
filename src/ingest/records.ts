import type { JsonObject } from './adapter.ts';
import { isObject } from './adapters/fields.ts';

/** Something found in a line: a record, or what is none. */
export type Found =
  | { record: JsonObject; at: number }
  /** `at` and the length of `text` count UTF-16 code units from the beginning of the line. */
  | { reason: 'not-json' | 'not-an-object'; at: number; text: string };

/** What is no part of a record: blanks, and the NULs and marks that crashes and editors leave behind. */
const FILLER = /[\s\0\uFEFF]*/uy;

/** How many places are tried for the beginning of a record after a broken one. */
const MAX_RESTARTS = 200;

/** Characters that all these attempts may look at, as a multiple of the line's length. */
const EFFORT = 16;

/**
 * The records in a line; usually one. Records that were written into each other are told apart as far as they are
 * whole: after a broken one, what follows counts only if it is whole up to the end of the line. Linear in time.
 */
export function recordsIn(line: string): Found[] {
  const start = skipFiller(line, 0);
  if (start === line.length) return [];
  const whole = parse(line.slice(start));
  if (whole !== undefined) {
    return [
      isObject(whole) ? { record: whole, at: start } : { reason: 'not-an-object', at: start, text: line.slice(start) },
    ];
  }
  return recover(line, start);
}

/** The record that a text is, if it is a whole one, which nothing that follows can change. */
export function wholeRecord(line: string): { record: JsonObject; at: number } | undefined {
  const at = skipFiller(line, 0);
  const text = line.slice(at);
  if (!text.startsWith('{') || !text.trimEnd().endsWith('}')) return undefined;
  const record = parse(text);
  return isObject(record) ? { record, at } : undefined;
}

function recover(line: string, start: number): Found[] {
  const found: Found[] = [];
  let at = start;
  while (at < line.length) {
    const next = objectAt(line, at);
    if (!next) break;
    found.push({ record: next.record, at });
    at = skipFiller(line, next.end);
  }
  if (at === line.length) return found;
  const rest = restart(line, at);
  const from = rest[0]?.at ?? line.length;
  return [...found, { reason: 'not-json', at, text: line.slice(at, from) }, ...rest];
}

/** The records from the first place on from which there are only whole ones. */
function restart(line: string, from: number): Found[] {
  let effort = line.length * EFFORT;
  let at = line.indexOf('{"', from + 1);
  for (let attempt = 0; at >= 0 && attempt < MAX_RESTARTS && effort > 0; attempt++) {
    const found: Found[] = [];
    let next = at;
    while (next < line.length) {
      const object = objectAt(line, next);
      effort -= (object?.end ?? line.length) - next;
      if (!object) break;
      found.push({ record: object.record, at: next });
      next = skipFiller(line, object.end);
    }
    if (next === line.length) return found;
    at = line.indexOf('{"', at + 1);
  }
  return [];
}

function objectAt(line: string, start: number): { record: JsonObject; end: number } | undefined {
  const end = endOfObject(line, start);
  const record = end === undefined ? undefined : parse(line.slice(start, end));
  return end !== undefined && isObject(record) ? { record, end } : undefined;
}

/** Where the braces that open at `start` are closed, leaving strings aside. */
function endOfObject(line: string, start: number): number | undefined {
  if (line[start] !== '{') return undefined;
  let depth = 0;
  let inString = false;
  for (let at = start; at < line.length; at++) {
    const code = line.charCodeAt(at);
    if (code === 0x5c) at++;
    else if (code === 0x22) inString = !inString;
    else if (inString) continue;
    else if (code === 0x7b) depth++;
    else if (code === 0x7d && --depth === 0) return at + 1;
  }
  return undefined;
}

function skipFiller(line: string, from: number): number {
  FILLER.lastIndex = from;
  FILLER.test(line);
  return FILLER.lastIndex;
}

/** A parsed text; undefined, which JSON has no way to say, when it is none. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
