import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { ModelProvider } from '../../../src/models/provider.ts';
import { titleByModel, titleIn } from '../../../src/models/titles.ts';

describe('title by a model', () => {
  const cases: [answer: string, title: string][] = [
    ['Fixing the Build', 'Fixing the Build'],
    ['"Fixing the Build."', 'Fixing the Build'],
    ['Title: **Fixing the Build**', 'Fixing the Build'],
    ['„Den Build reparieren“', 'Den Build reparieren'],
    ['# Fixing the Build\n\nIt describes …', 'Fixing the Build'],
    ['<think>\nThe user wants a title.\n</think>\n\nFixing the Build', 'Fixing the Build'],
    ['<think>\nI never end', ''],
    ['', ''],
    ['C++ and C#', 'C++ and C#'],
  ];
  for (const [answer, title] of cases) {
    it(`is “${title}” when it answers ${JSON.stringify(answer)}`, () => assert.equal(titleIn(answer), title));
  }

  it('has nothing of what the model thought, and nothing of what it is wrapped in', () => {
    const words = fc
      .array(fc.constantFrom('Fixing', 'the', 'Build', 'C++', 'v2.1'), { minLength: 1, maxLength: 6 })
      .map((all) => all.join(' '));
    const thought = fc.string({ unit: fc.constantFrom('# ', 'Title: ', '\n', '<', '>', 'think', '"', 'word ') });
    const wrapping = fc.constantFrom(
      ['', ''],
      ['"', '"'],
      ['„', '“'],
      ['**', '**'],
      ['# ', ''],
      ['Title: ', ''],
      ['«', '».'],
    );
    fc.assert(
      fc.property(words, fc.option(thought), wrapping, (title, thoughts, [before, after]) => {
        fc.pre(!thoughts?.includes('</think>'));
        const answer = `${thoughts === null ? '' : `<think>${thoughts}</think>\n\n`}${before}${title}${after}`;
        assert.equal(titleIn(answer), title);
        if (thoughts !== null) assert.equal(titleIn(`<think>${thoughts}${title}`), '');
      }),
    );
  });

  it('is made of little, and of no endless answer', async () => {
    let asked = '';
    let isEnded = false;
    const provider: ModelProvider = {
      id: 'x',
      name: 'X',
      models: async () => [],
      reply: async function* ({ messages }) {
        asked = messages.map(({ content }) => content).join('');
        try {
          for (;;) yield 'word ';
        } finally {
          isEnded = true;
        }
      },
    };
    const exchange = { question: '🙂'.repeat(50_000), answer: 'a'.repeat(100_000) };
    const title = await titleByModel(provider, 'x/y', exchange, AbortSignal.timeout(5000));
    assert.match(title, /^word( word)*…$/);
    assert.ok(isEnded && asked.length < 5000 && asked.isWellFormed());
  });
});
