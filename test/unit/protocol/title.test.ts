import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MAX_TITLE_LENGTH } from '../../../src/protocol/model.ts';
import { titleFrom } from '../../../src/protocol/title.ts';

const characters = (text: string) => [...new Intl.Segmenter().segment(text)].length;

describe('title from a text', () => {
  const cases: [text: string, title: string][] = [
    ['Plain words', 'Plain words'],
    ['\n\n  first \r\nsecond', 'first'],
    ['## Heading', 'Heading'],
    ['#hashtag and C#', '#hashtag and C#'],
    ['> - [ ] **Bold** task', 'Bold task'],
    ['1. one', 'one'],
    ['3.5 is a number', '3.5 is a number'],
    ['-5 degrees', '-5 degrees'],
    ['`code` and ~~gone~~ and *leaning* **`both`**', 'code and gone and leaning both'],
    ['`*.ts` and `*.js`', '*.ts and *.js'],
    ['2 * 3 * 4 and a*b*c and snake_case_name', '2 * 3 * 4 and a*b*c and snake_case_name'],
    ['See [the **docs**](https://example.org "Docs") and ![a cat](cat.png)', 'See the docs and a cat'],
    ['```ts\nconst x = 1;\n```', 'const x = 1;'],
    ['---\n\nText', 'Text'],
    ['', ''],
    [' \n# \n', ''],
  ];
  for (const [text, title] of cases) {
    it(`of ${JSON.stringify(text)} is ${JSON.stringify(title)}`, () => assert.equal(titleFrom(text), title));
  }

  it('is cut between words where it is too long, and not where it just fits', () => {
    const fits = `${'x'.repeat(29)} ${'y'.repeat(30)}`;
    assert.equal(titleFrom(fits), fits);
    assert.equal(titleFrom(`${fits}y`), `${'x'.repeat(29)}…`);
  });

  it('never cuts a character in two', () => {
    const family = '👨‍👩‍👧';
    const title = titleFrom(family.repeat(70));
    assert.ok(title.isWellFormed());
    assert.equal(title.replaceAll(family, ''), '…');
    assert.equal(titleFrom('😀'.repeat(61)), `${'😀'.repeat(59)}…`);
  });

  it('is never longer than a title may be', () => {
    const title = titleFrom(`e${'\u0301'.repeat(20)}`.repeat(60));
    assert.ok(title.length <= MAX_TITLE_LENGTH && characters(title) <= 60);
    assert.ok(titleFrom(`x${'\u0301'.repeat(3000)}`).length <= MAX_TITLE_LENGTH);
  });

  it('is one short line of whole characters, whatever the text is', () => {
    const mark = fc.constantFrom(
      '# ',
      '> ',
      '- [ ] ',
      '---\n',
      '\n',
      '**',
      '`',
      '~~',
      '[a](b) ',
      '```\n',
      '🙂',
      'e\u0301',
      'x',
    );
    const piece = fc.tuple(fc.oneof(mark, fc.string({ unit: 'grapheme' })), fc.integer({ min: 1, max: 20 }));
    // How much is looked at ends anywhere, also within a character.
    const filler = fc.tuple(fc.constantFrom('> ', '---\n', 'x\u0301'), fc.integer({ min: 0, max: 2002 }));
    fc.assert(
      fc.property(filler, fc.array(piece), (before, pieces) => {
        const title = titleFrom([before, ...pieces].map(([text, times]) => text.repeat(times)).join(''));
        assert.ok(title.isWellFormed() && characters(title) <= 60 && title.length <= MAX_TITLE_LENGTH);
        assert.equal(title, title.replace(/\s+/gu, ' ').trim());
      }),
    );
  });

  it('is a text of a few plain words itself', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'é', '日', '🙂', '7', ',', '…'), minLength: 1, maxLength: 8 });
    const blank = fc.constantFrom(' ', '  ', '\t');
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 6 }), blank, blank, (words, between, around) => {
        assert.equal(titleFrom(`${around}${words.join(between)}${around}\nmore`), words.join(' '));
      }),
    );
  });

  it('is made quickly of any text', () => {
    for (const piece of ['**a ', '[', '`', '~~a', '*a', '![x](', '> ', '- ', 'a ']) {
      const start = performance.now();
      titleFrom(piece.repeat(1_000_000));
      assert.ok(performance.now() - start < 500, piece);
    }
  });
});
