import assert from 'node:assert/strict';
import fc from 'fast-check';
import { count, time } from '../../../src/ingest/adapters/fields.ts';
import { mapTexts } from '../../../src/ingest/mapTexts.ts';

/** Newest moment that a date can hold, in Unix ms. */
const LAST = 8.64e15;

describe('fields of a record', () => {
  it('are times that can be shown and counts that can be added, whatever is in them', () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.double(),
      fc.double().map(String),
      fc.date({ noInvalidDate: true }).map(String),
    );
    fc.assert(
      fc.property(value, (any) => {
        assert.ok(Number.isSafeInteger(time(any)) && time(any) >= 0 && time(any) <= LAST);
        assert.ok(Number.isInteger(count(any)) && count(any) >= 0);
      }),
    );
  });

  it('are the moment that they say, as a number and in ISO 8601', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: LAST }), fc.double({ min: 0, max: 0.99, noNaN: true }), (ms, part) => {
        assert.equal(time(new Date(ms).toISOString()), ms);
        if (ms < 2 ** 43) assert.equal(time(ms + part), ms);
      }),
    );
  });
});

describe('texts in a value', () => {
  const nest = (value: unknown, depth: number): unknown => (depth === 0 ? value : { in: [nest(value, depth - 1)] });

  it('are all replaced wherever they are, and nothing else is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 40 }), (value, depth) => {
        const deep = nest(value, depth);
        const seen: string[] = [];
        const same = mapTexts(deep, (text) => {
          seen.push(text);
          return text;
        });
        const marked = mapTexts(deep, (text) => `<${text}>`);
        const texts: string[] = [];
        mapTexts(marked, (text) => {
          texts.push(text);
          return text;
        });
        assert.deepEqual(
          texts,
          seen.map((text) => `<${text}>`),
        );
        // What lies too deep for the database is kept as text.
        if (depth < 25) assert.deepEqual(same, deep);
        assert.ok(depthOf(same) < 1000);
      }),
    );
  });
});

function depthOf(value: unknown): number {
  return typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;
}
