import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Line, linesOf } from '../../../src/ingest/lines.ts';
import { type Found, recordsIn, wholeRecord } from '../../../src/ingest/records.ts';

async function linesIn(bytes: Buffer, cuts: readonly number[], maxLine?: number, position = 0): Promise<Line[]> {
  async function* chunks() {
    let from = 0;
    for (const cut of [...cuts, bytes.length]) {
      if (cut > from) yield bytes.subarray(from, cut);
      from = Math.max(from, cut);
    }
  }
  const lines: Line[] = [];
  for await (const line of linesOf(chunks(), position, maxLine)) lines.push(line);
  return lines;
}

const summary = (found: Found[]) => found.map((one) => ('record' in one ? one.record : one.reason));

describe('lines', () => {
  it('are the same wherever the bytes were cut, inside characters too', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '🙂', 'é', '\n', '\r', '\u2028', '\0') });
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(200)), async (content, at) => {
        const bytes = Buffer.from(content);
        const lines = await linesIn(
          bytes,
          at.sort((a, b) => a - b),
        );
        const whole = content.split('\n');
        const ended = whole.slice(0, -1).map((line) => [line, true]);
        const last = whole.at(-1) === '' ? [] : [[whole.at(-1), false]];
        assert.deepEqual(
          lines.map((line) => [line.bytes.toString(), line.isEnded]),
          [...ended, ...last],
        );
        assert.equal(lines.at(-1)?.end ?? 0, bytes.length);
      }),
    );
  });

  it('go on behind any of them as if they had been read in one go', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '🙂', '\n', '\r', 'xxxxx') });
    await fc.assert(
      fc.asyncProperty(text, fc.nat(), fc.integer({ min: 1, max: 12 }), async (content, at, maxLine) => {
        const bytes = Buffer.from(content);
        const lines = await linesIn(bytes, [], maxLine);
        const index = at % (lines.length + 1);
        const position = lines[index - 1]?.end ?? 0;
        assert.deepEqual(await linesIn(bytes.subarray(position), [], maxLine, position), lines.slice(index));
        for (const [place, line] of lines.entries()) assert.equal(line.position, lines[place - 1]?.end ?? 0);
      }),
    );
  });

  it('that are too long are told without being kept', async () => {
    const lines = await linesIn(Buffer.from(`${'x'.repeat(100)}\nshort\n`), [10, 20, 90], 50);
    assert.deepEqual(
      lines.map(({ bytes, size, position }) => [bytes.length, size, position]),
      [
        [0, 100, 0],
        [5, 5, 101],
      ],
    );
  });
});

describe('records', () => {
  const record = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 4 });

  it('are told apart when they were written one behind the other', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), (records) => {
        const line = records.map((one) => JSON.stringify(one)).join('');
        assert.deepEqual(
          summary(recordsIn(line)),
          records.map((one) => JSON.parse(JSON.stringify(one))),
        );
      }),
    );
  });

  it('are found after one that was cut off, of which nothing is believed', () => {
    const cut = '{"type":"user","message":{"role":"user","content":"x"},"uu';
    assert.deepEqual(summary(recordsIn(`${cut}{"a":1}{"b":{"c":"}{"}}`)), ['not-json', { a: 1 }, { b: { c: '}{' } }]);
    assert.deepEqual(summary(recordsIn(`{"a":1}${cut}`)), [{ a: 1 }, 'not-json']);
    assert.deepEqual(summary(recordsIn(`\0\0\uFEFF {"a":1}\0\r`)), [{ a: 1 }]);
    assert.deepEqual(summary(recordsIn(' \0\r')), []);
    assert.deepEqual(summary(recordsIn('[{"a":1}]')), ['not-an-object']);
  });

  it('account for every character of any line', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('{', '}', '"', 'a', ':', '1', ',', '\\', ' ', '[', ']') }),
        (line) => {
          const found = recordsIn(line);
          const bad = found.filter((one) => 'reason' in one).length;
          assert.equal(found.length === 0, line.trim() === '');
          assert.ok(bad <= 1);
        },
      ),
    );
  });

  it('are whole only when nothing that follows could change them', () => {
    assert.deepEqual(wholeRecord('{"a":{"b":"}"}}'), { record: { a: { b: '}' } }, at: 0 });
    for (const part of ['{"a":{"b":1}', '12', '{"a":1}x', '"}', '']) assert.equal(wholeRecord(part), undefined);
  });

  it('that are whole stay what they are, whatever is written behind them', () => {
    const start = fc.string({ unit: fc.constantFrom(' ', '\t', '\0'), maxLength: 3 });
    const end = fc.string({ unit: fc.constantFrom('{', '}', '"', 'a', ':', '1', ',', '\\', ' ', '\0') });
    fc.assert(
      fc.property(start, record, end, (before, one, behind) => {
        const line = `${before}${JSON.stringify(one)}`;
        const whole = wholeRecord(line);
        assert.deepEqual(whole, { record: JSON.parse(JSON.stringify(one)), at: before.length });
        assert.deepEqual(recordsIn(`${line}${behind}`)[0], whole);
      }),
    );
  });

  it('take time in proportion to the line, however it is broken', () => {
    const steps = (length: number) => {
      const slice = String.prototype.charCodeAt;
      let count = 0;
      String.prototype.charCodeAt = function (at: number) {
        count++;
        return slice.call(this, at);
      };
      try {
        recordsIn('{"a":'.repeat(length));
      } finally {
        String.prototype.charCodeAt = slice;
      }
      return count / length;
    };
    assert.ok(steps(4000) < 2 * steps(1000));
  });
});
