import assert from 'node:assert/strict';
import fc from 'fast-check';
import { nothingSettled, plainlyAdded, renderNext, type Settled } from '../../../src/views/webview/markdown/growing.ts';
import { makeParser } from '../../../src/views/webview/markdown/parser.ts';

/** Beginnings of lines and their ends that mean something to the parser, and to each other. */
const begin = fc.constantFrom(
  ...[
    '',
    '',
    ' ',
    '  ',
    '    ',
    '\t',
    '- ',
    '* ',
    '1. ',
    '2. ',
    '10) ',
    '> ',
    '> - ',
    '# ',
    '## ',
    '```',
    '~~~',
    '```ts',
  ],
  ...[
    '---',
    '***',
    '===',
    '| a | b |',
    '|---|---|',
    '- [ ] ',
    '- [x] ',
    '$$',
    '\\[',
    '[a]: https://example.com/',
    '<b>',
  ],
);
const words = fc.constantFrom(
  ...[
    '',
    'a',
    'some words',
    '**bold',
    'bold**',
    '`code`',
    '`',
    '[a]',
    '[a][b]',
    '[text](https://example.com)',
    'a | b',
  ],
  ...[
    '![x](https://example.com/i.png)',
    'https://example.com',
    '-',
    '1',
    '.',
    '$x$',
    '$$',
    '\\]',
    '\\',
    '_',
    '😀',
    '=',
    '|',
  ],
);
const line = fc.tuple(begin, words, words).map((parts) => parts.join(''));
const lineEnd = fc.constantFrom('\n', '\n', '\n\n', '\n\n', '\r\n', '\r\n\r\n', '\n  \n', '\r', '');
const lines = fc
  .array(fc.tuple(line, lineEnd), { maxLength: 14 })
  .map((all) => all.map((parts) => parts.join('')).join(''));
/** Mostly items of one kind, or rows: what settles while its list or table goes on. */
const items = fc.constantFrom('- ', '* ', '1. ', '3) ').chain((marker) => {
  const item = fc.constantFrom(marker, marker, marker, marker, '  ', '   - ', '');
  const end = fc.constantFrom('\n', '\n', '\n', '\n', '\n\n', '\r\n');
  return fc.array(fc.tuple(item, line, end), { maxLength: 14 }).map((all) => all.flat().join(''));
});
const rows = fc
  .array(fc.tuple(fc.constantFrom('| ', '|', ''), line, fc.constantFrom(' |\n', '\n')), { maxLength: 14 })
  .map((all) => `| a | b |\n|:--|---|\n${all.flat().join('')}`);
const anyText = fc
  .array(fc.oneof({ weight: 2, arbitrary: lines }, items, rows), { maxLength: 3 })
  .map((parts) => parts.join(''));
/** A text and the lengths at which it is looked at while it grows. */
const anyGrowth = anyText.chain((text) =>
  fc.tuple(fc.constant(text), fc.array(fc.nat({ max: text.length }), { maxLength: 30 })),
);

/** A text, and what is added to it: mostly words, sometimes what might make them more. */
const marks = fc.constantFrom('*', '`', '_', '$', '~~', '[a](b', 'x', '');
const lastLine = fc.oneof(
  fc.tuple(fc.constantFrom('Some ', 'x y'), words),
  fc.tuple(fc.constant('Some '), marks, fc.constant('a b')),
  fc.tuple(fc.constantFrom(' ', ''), fc.constantFrom('1', '-', 'a')),
  fc.tuple(begin, fc.constantFrom('a b', '**a** b', '1 - b')),
  fc.tuple(fc.constantFrom("[a]:\nhttps://x.y 'b c", "[a]: https://x.y 'b\nc d", "[a]: https://x.y 'b c'")),
);
const anyAddition = fc.tuple(
  fc.oneof(
    anyText,
    lastLine.map((parts) => `Text\n\n${parts.join('')}`),
  ),
  fc
    .array(
      fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(' some', ' words', 'é', ', 1', '. A', "'", ' -') },
        words,
        marks,
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map((parts) => parts.join('')),
);

describe('Markdown that grows', () => {
  for (const hasMath of [false, true]) {
    const markdown = makeParser({ hasMath });

    it(`comes to the same as when it is rendered whole, however it came${hasMath ? ', with formulas' : ''}`, () => {
      fc.assert(
        fc.property(anyGrowth, ([text, lengths]) => {
          const growing = grow(markdown);
          for (const length of [...lengths.sort((a, b) => a - b), text.length]) growing.show(text.slice(0, length));
          assert.equal(growing.html(), markdown.render(text));
        }),
        { numRuns: 5000 },
      );
    });
  }

  it('takes words as they stand only where they come to the same', () => {
    let taken = 0;
    for (const hasMath of [false, true]) {
      const markdown = makeParser({ hasMath });
      fc.assert(
        fc.property(anyAddition, ([before, added]) => {
          const words = plainlyAdded(before, before, before + added);
          const html = markdown.render(before);
          // As in the panel, where they go to the text that the last paragraph or item ends with.
          const [ends = ''] = /(?:<\/(?:p|li|ul|ol)>\n?)+$/.exec(html) ?? [];
          const text = html.slice(0, html.length - ends.length);
          if (words === undefined || ends === '' || /(?:>|^)\s*$/.test(text)) return;
          taken++;
          assert.equal(text + words + ends, markdown.render(before + added));
        }),
        { numRuns: 5000 },
      );
    }
    assert.ok(taken > 100, `${taken} additions were taken`);
  });

  it('takes only words, and only behind others in their line', () => {
    const added = (before: string, text: string) => plainlyAdded(before, before, text);
    assert.equal(added('One two', 'One two three, four.'), ' three, four.');
    assert.equal(added('- **One** tw', '- **One** two'), 'o');
    for (const [before, text] of [
      ['One two', 'One three'],
      ['One', 'One two'],
      ['- ', '- One'],
      [' 1', ' 1. two'],
      ['One two ', 'One two three'],
      ['One two', 'One two '],
      ['One two', 'One two\nthree'],
      ['One *two', 'One *two*'],
      ['See https://exam', 'See https://example'],
      ['One a.b', 'One a.bc'],
      ["[a]:\nhttps://x.y 'one", "[a]:\nhttps://x.y 'one two"],
    ] as const)
      assert.equal(added(before, text), undefined, JSON.stringify([before, text]));
  });

  it('parses only its last block again', () => {
    const markdown = makeParser({ hasMath: false });
    const growing = grow(markdown);
    const paragraph = 'A paragraph of some length.\n\n';
    for (let count = 1; count <= 100; count++) growing.show(paragraph.repeat(count));
    assert.equal(growing.settled().length, paragraph.length * 99);
    assert.equal(growing.restarts(), 0);
  });

  for (const [what, lead, piece] of [
    ['item', '', '- Some *words* of an item.\n'],
    ['numbered item', '', '1. Some words.\n   - And some more.\n'],
    ['item between empty lines', '', '- Some words.\n\n  And some more.\n\n'],
    ['row', '| a | b |\n|---|---|\n', '| Some | words |\n'],
  ] as const) {
    it(`parses only the last ${what} of a list or table again`, () => {
      const markdown = makeParser({ hasMath: false });
      const growing = grow(markdown);
      for (let count = 1; count <= 100; count++) growing.show(`${lead}${piece.repeat(count)}`);
      assert.equal(growing.settled().length, lead.length + piece.length * 99);
      assert.equal(growing.restarts(), 0);
      assert.equal(growing.html(), markdown.render(`${lead}${piece.repeat(100)}`));
    });
  }

  it('begins a list anew when it gets its first empty line, and only then', () => {
    const markdown = makeParser({ hasMath: false });
    const growing = grow(markdown);
    const [tight, loose] = ['- a\n'.repeat(10), '- a\n\n'.repeat(10)];
    for (let length = 1; length <= (tight + loose).length; length++) {
      growing.show((tight + loose).slice(0, length));
      assert.equal(growing.html(), markdown.render((tight + loose).slice(0, length)));
    }
    assert.equal(growing.restarts(), 1);
  });

  it('begins anew when a definition comes that earlier links may have waited for', () => {
    const markdown = makeParser({ hasMath: false });
    const growing = grow(markdown);
    for (const text of ['See [a].\n\nAnd more.\n\nEnd', 'See [a].\n\nAnd more.\n\nEnd\n\n[a]: https://example.com/'])
      growing.show(text);
    assert.match(growing.html(), /^<p>See <a href="https:\/\/example.com\/"/);
    assert.equal(growing.restarts(), 1);
    for (let count = 1; count <= 10; count++)
      growing.show(`See [a].\n\n[a]: https://example.com/\n\n${'More\n\n'.repeat(count)}`);
    assert.equal(growing.restarts(), 2);
  });
});

/** Renders a text again and again as a panel does. */
function grow(markdown: ReturnType<typeof makeParser>) {
  let settled: Settled = nothingSettled;
  let [blocks, html, restarts] = ['', '', 0];
  const show = (text: string) => {
    let next = renderNext(markdown, text, settled);
    if (!next) {
      restarts++;
      [settled, blocks] = [nothingSettled, ''];
      next = renderNext(markdown, text, settled);
    }
    assert.ok(next);
    blocks = joined(blocks, next.settled, settled.lead);
    settled = next.after;
    html = joined(blocks, next.open, settled.lead);
  };
  return { show, html: () => html, settled: () => settled.text, restarts: () => restarts };
}

/** Blocks with those that follow; where there is a lead, the first of these goes on with the last of those. */
function joined(blocks: string, more: string, lead: string): string {
  if (lead === '' || more === '') return blocks + more;
  return blocks.replace(END, '') + more.replace(BEGIN, '');
}
const BEGIN = /^<(?:ul|ol[^>]*|table>\n<tbody)>\n/;
const END = /(?:<\/[uo]l>|<\/tbody>\n<\/table>)\n$/;
