import assert from 'node:assert/strict';
import fc from 'fast-check';
import MarkdownIt from 'markdown-it';
import { describe, it } from 'mocha';
import {
  type Attachment,
  attachedLength,
  fileAttachment,
  MAX_ATTACHMENT,
  MAX_PROBLEMS,
  type Problem,
  problemsAttachment,
  selectionAttachment,
  terminalAttachment,
  withAttachments,
} from '../../../src/protocol/attachments.ts';
import { isRecord } from '../../../src/protocol/json.ts';
import { type Mention, mentionsIn } from '../../../src/protocol/mentions.ts';
import { type ChatParts, mergeParts, readParts } from '../../../src/protocol/parts.ts';

const selection = selectionAttachment({
  path: 'src/a.ts',
  language: 'typescript',
  startLine: 3,
  endLine: 4,
  text: 'const a = 1;\nconst b = 2;',
});

describe('attachments', () => {
  it('come before the words of the user, each with its origin', () => {
    const text = withAttachments('Why?', [selection, terminalAttachment('zsh', 'it failed')]);
    assert.equal(
      text,
      [
        'Lines 3–4 of src/a.ts:\n```typescript\nconst a = 1;\nconst b = 2;\n```',
        'Output of the terminal “zsh”:\n```\nit failed\n```',
        'Why?',
      ].join('\n\n'),
    );
  });

  it('cannot end their own fence', () => {
    const text = withAttachments('', [fileAttachment({ path: 'a.md', language: 'markdown', text: 'x\n````\ny' })]);
    assert.equal(text, 'The file a.md:\n`````markdown\nx\n````\ny\n`````');
  });

  it('are each one block of code with exactly their text, whatever that is', () => {
    const text = fc.string({ unit: fc.constantFrom('`', '```\n', '~~~\n', '\n', ' ', '# ', 'a') });
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), fc.constantFrom('', 'words'), (texts, content) => {
        const all = texts.map((one) => fileAttachment({ path: 'a.ts', language: 'ts', text: one }));
        const tokens = new MarkdownIt().parse(withAttachments(content, all), {});
        const fences = tokens.filter(({ type }) => type === 'fence');
        assert.deepEqual(
          fences.map((fence) => [fence.content, fence.info]),
          texts.map((one) => [`${one}\n`, 'ts']),
        );
      }),
    );
  });

  it('keep the beginning of what is too long, of a terminal the end, and say how much is missing', () => {
    const long = `${'a'.repeat(MAX_ATTACHMENT)}${'b'.repeat(10)}`;
    const file = fileAttachment({ path: 'a', language: '', text: long });
    assert.deepEqual([file.text, file.omitted], ['a'.repeat(MAX_ATTACHMENT), 10]);
    assert.match(withAttachments('', [file]), /^The file a \(10 more characters left out\):/);
    const terminal = terminalAttachment('zsh', long);
    assert.deepEqual([terminal.text.slice(-10), terminal.omitted], ['b'.repeat(10), 10]);
    assert.equal(attachedLength([file, terminal]), 2 * MAX_ATTACHMENT);
  });

  it('never cut a character in two, and lose nothing that they do not count', () => {
    const near = fc.integer({ min: -3, max: 3 });
    fc.assert(
      fc.property(near, fc.array(fc.constantFrom('a', '🙂')), (more, tail) => {
        const text = `${'x'.repeat(MAX_ATTACHMENT + more - tail.length)}${tail.join('')}`;
        const turned = `${tail.join('')}${'x'.repeat(MAX_ATTACHMENT + more)}`;
        const [file, terminal] = [fileAttachment({ path: '', language: '', text }), terminalAttachment('', turned)];
        for (const [one, whole] of [
          [file, text],
          [terminal, turned],
        ] as const) {
          assert.ok(one.text.isWellFormed() && one.text.length <= MAX_ATTACHMENT);
          assert.equal(one.text.length + one.omitted, whole.length);
        }
      }),
    );
  });

  it('list the worst problems first, one in a line, and say when there are more', () => {
    const problem = (severity: 'error' | 'hint', line: number) => ({
      path: 'a.ts',
      line,
      severity,
      message: 'no\n  good',
    });
    const few = problemsAttachment([problem('hint', 1), problem('error', 2)]);
    assert.deepEqual(few, { kind: 'problems', text: 'a.ts:2: error: no good\na.ts:1: hint: no good', omitted: 0 });
    const many = problemsAttachment(Array.from({ length: MAX_PROBLEMS + 1 }, (_, line) => problem('error', line)));
    assert.equal(many.text.split('\n').length, MAX_PROBLEMS);
    assert.equal(many.omitted, 'a.ts:100: error: no good'.length);
  });

  it('are read back from stored parts as they were', () => {
    const attachments: Attachment[] = [selection, problemsAttachment([])];
    assert.deepEqual(readParts(JSON.parse(JSON.stringify({ attachments }))), { attachments });
  });

  it('tell of every problem once, none before a worse one, each on its line', () => {
    const problem: fc.Arbitrary<Problem> = fc.record({
      path: fc.constantFrom('a.ts', 'b.ts'),
      line: fc.integer({ min: 1, max: 9 }),
      severity: fc.constantFrom('error', 'warning', 'information', 'hint'),
      message: fc.string({ unit: fc.constantFrom('x', '\n', '\r', ' '), minLength: 1 }),
    });
    const ranks = ['error', 'warning', 'information', 'hint'];
    fc.assert(
      fc.property(fc.array(problem, { maxLength: 30 }), (problems) => {
        const { text } = problemsAttachment(problems);
        const told = text === '' ? [] : text.split('\n');
        const places = problems.map(({ path, line, severity }) => `${path}:${line}: ${severity}`);
        assert.deepEqual(told.map((line) => line.split(': ').slice(0, 2).join(': ')).sort(), places.sort());
        const order = told.map((line) => ranks.indexOf(line.split(': ')[1] ?? ''));
        assert.deepEqual(order, order.toSorted());
      }),
    );
  });
});

describe('parts of a message', () => {
  it('are read as far as they are ours, whatever others have stored', () => {
    assert.deepEqual(readParts({ replyTo: 'x', alternativeOf: 7, tools: [], attachments: [{ kind: 'other' }] }), {
      replyTo: 'x',
    });
    fc.assert(fc.property(fc.jsonValue(), (parts) => void readParts(parts)));
  });

  it('keep what others have stored when ours change', () => {
    assert.deepEqual(mergeParts({ usage: 1, replyTo: 'x' }, { stopped: true }), {
      usage: 1,
      replyTo: 'x',
      stopped: true,
    });
    assert.deepEqual(mergeParts(['raw'], { stopped: true }), { stopped: true });
  });

  it('come back as they were merged into whatever others have stored, which stays', () => {
    const anyParts: fc.Arbitrary<ChatParts> = fc.record(
      {
        replyTo: fc.string(),
        alternativeOf: fc.string(),
        attachments: fc.array(fc.constant(selection), { maxLength: 2 }),
        prompt: fc.record({ fromSeq: fc.nat(), messages: fc.nat() }, { noNullPrototype: true }),
        stopped: fc.constant(true as const),
        failure: fc.record({ reason: fc.string(), message: fc.string() }, { noNullPrototype: true }),
      },
      { requiredKeys: [], noNullPrototype: true },
    );
    const kept = fc.dictionary(fc.constantFrom('replyTo', 'stopped', 'usage'), fc.jsonValue({ maxDepth: 1 }));
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), kept), anyParts, (stored, ours) => {
        const merged = JSON.parse(JSON.stringify(mergeParts(stored, ours)));
        const read = readParts(merged);
        for (const [name, value] of Object.entries(ours)) assert.deepEqual(read[name as keyof ChatParts], value);
        const others = Object.entries(isRecord(stored) ? stored : {}).filter(([name]) => !Object.hasOwn(ours, name));
        for (const [name, value] of others) assert.deepEqual(merged[name], JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('are the same whether all of them are read or only some', () => {
    const names = ['replyTo', 'alternativeOf', 'attachments', 'runBy', 'prompt', 'stopped', 'failure'] as const;
    const value = fc.oneof(fc.string(), fc.constant(true), fc.constant([selection]), fc.jsonValue({ maxDepth: 1 }));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), value), fc.subarray([...names]), (stored, some) => {
        const all = Object.entries(readParts(stored));
        assert.deepEqual(
          readParts(stored, some),
          Object.fromEntries(all.filter(([name]) => some.some((one) => one === name))),
        );
      }),
    );
  });
});

describe('mentions', () => {
  it('are found in prose, each once', () => {
    const text = 'Look at #selection, #file:src/a.ts. and #file:"my file.ts"! Then #problems #selection (#terminal)';
    assert.deepEqual(mentionsIn(text), [
      { kind: 'selection' },
      { kind: 'file', path: 'src/a.ts' },
      { kind: 'file', path: 'my file.ts' },
      { kind: 'problems' },
      { kind: 'terminal' },
    ]);
  });

  it('are none in code, within words, or of other words', () => {
    assert.deepEqual(mentionsIn('`#selection` a#problems ##terminal #selections #file: #fix ```\n#file:x\n```'), []);
  });

  it('are found as they were written, wherever they stand in a sentence, and never in code', () => {
    const kinds = fc.constantFrom('selection' as const, 'problems' as const, 'terminal' as const);
    const path = fc.string({ unit: fc.constantFrom('a', '/', '.', '-', 'é', ' ', '#', ':'), minLength: 1 });
    const mention: fc.Arbitrary<Mention> = fc.oneof(
      fc.record({ kind: kinds }, { noNullPrototype: true }),
      fc.record({ kind: fc.constant('file' as const), path }, { noNullPrototype: true }),
    );
    const written = (one: Mention) => ('path' in one ? `#file:"${one.path}"` : `#${one.kind}`);
    const glue = fc.constantFrom(' ', '\n', ', ', '. Then ', ' (');
    fc.assert(
      fc.property(fc.uniqueArray(mention, { selector: written }), glue, (mentions, between) => {
        const text = `See ${[...mentions, ...mentions].map(written).join(between)}.`;
        assert.deepEqual(mentionsIn(text), mentions);
        assert.deepEqual(mentionsIn(`\`\`\`\n${text}\n\`\`\``), []);
      }),
    );
  });

  it('are looked for in time, in any text', () => {
    mentionsIn('`'.repeat(20_000));
    mentionsIn(`${'`a'.repeat(20_000)}#file:${'.'.repeat(20_000)}`);
    fc.assert(fc.property(fc.string(), (text) => mentionsIn(text).length >= 0));
  });
});
