import assert from 'node:assert/strict';
import fc from 'fast-check';
import MarkdownIt from 'markdown-it';
import { type ExportFormat, exportConversation, exportFileName, messagePages } from '../../../src/protocol/export.ts';
import { conversationMarkdown, fenced } from '../../../src/protocol/markdown.ts';
import type { Conversation, Message } from '../../../src/protocol/model.ts';

const time = Date.UTC(2026, 2, 1, 10, 30);

const conversation: Conversation = {
  ...{ id: '0198c5a2-7b1e-7cc3-98c4-dc0c0c07398f', title: 'A *bold* plan', source: 'codex', externalId: 'x' },
  ...{ lastSeq: 1, lastReadSeq: 1, unread: 0, pinnedAt: null, archivedAt: null, tags: ['work'], parentId: null },
  ...{
    origin: null,
    branchedFrom: null,
    revision: 1,
    createdAt: time,
    updatedAt: time,
    deletedAt: null,
    purgedAt: null,
  },
};

function message(seq: number, content: string, rest: Partial<Message> = {}): Message {
  return {
    ...{ id: `m${seq}`, conversationId: conversation.id, seq, role: 'user', author: null, content, parts: null },
    ...{ status: 'complete', model: null, revision: 1, createdAt: time, updatedAt: time, deletedAt: null },
    ...rest,
  };
}

async function exported(format: ExportFormat, ...messages: Message[]): Promise<string> {
  async function* pages() {
    yield messages;
  }
  let text = '';
  for await (const piece of exportConversation(conversation, format, pages())) text += piece;
  return text;
}

/** The kinds of blocks at the top of a document, with the texts of its headings and its code. */
function outline(markdown: string): string[] {
  const tokens = new MarkdownIt().parse(markdown, {}).filter(({ level, nesting }) => level <= 1 && nesting >= 0);
  return tokens.flatMap(({ type, content }, index) => {
    if (type === 'fence') return [`code ${content.trimEnd()}`];
    return type === 'heading_open' ? [`heading ${tokens[index + 1]?.content ?? ''}`] : [];
  });
}

describe('exported conversations', () => {
  it('are documents with title, facts, and each message under its role', async () => {
    const reply = { role: 'assistant', model: 'small', status: 'interrupted' } as const;
    const gone = message(2, '', { deletedAt: time });
    assert.equal(
      await exported('markdown', message(1, 'Hello\n\n- world'), gone, message(3, 'Hi', reply)),
      `# A \\*bold\\* plan

*codex · 2026-03-01 10:30 UTC – 2026-03-01 10:30 UTC · work*

## User

*2026-03-01 10:30 UTC*

Hello

- world

## Assistant

*2026-03-01 10:30 UTC · small · interrupted*

Hi
`,
    );
  });

  it('hold what was attached, called and answered as blocks of code', async () => {
    const attachment = { kind: 'file', path: 'src/a_b.ts', language: 'ts', text: 'a\n```\nb', omitted: 3 } as const;
    const call = { type: 'tool-call', id: 't', name: 'Bash', input: { command: 'ls' } };
    const result = { type: 'tool-result', id: 't' };
    const markdown = await exported(
      'markdown',
      message(1, 'question', { parts: { attachments: [attachment] } }),
      message(2, '**Bash** `ls`', { role: 'assistant', parts: [{ type: 'reasoning', text: 'hm' }, call] }),
      message(3, '# out', { role: 'tool', parts: [result] }),
      message(4, 'begin…', { role: 'tool', parts: [{ ...result, output: 'beginning' }] }),
      message(5, '', { role: 'assistant', parts: { failure: { reason: 'quota', message: 'No more today.' } } }),
    );
    assert.deepEqual(
      outline(markdown).filter((line) => line.startsWith('code')),
      ['code a\n```\nb', 'code hm', 'code {\n  "command": "ls"\n}', 'code # out', 'code beginning'],
    );
    assert.match(markdown, /\*\*The file src\/a\\_b.ts\*\* \(3 more characters left out\)\n\n````ts\n/);
    assert.match(markdown, /\n> No more today\.\n$/);
  });

  it('can be made of parts of any kind', async () => {
    const type = fc.constantFrom(
      'text',
      'reasoning',
      'tool-call',
      'tool-result',
      'image',
      'other',
      'superseded',
      'new',
    );
    const part = fc.tuple(
      type,
      fc.dictionary(fc.constantFrom('text', 'name', 'output', 'url', 'input'), fc.jsonValue()),
    );
    const parts = fc.oneof(fc.jsonValue(), fc.array(part.map(([kind, rest]) => ({ type: kind, ...rest }))));
    await fc.assert(
      fc.asyncProperty(parts, async (any) => {
        assert.match(await exported('markdown', message(1, 'text', { parts: any })), /^# .*\n\n\*codex/);
      }),
      { numRuns: 1000, examples: [[[{ type: 'image', url: { toString: 0 } }]]] },
    );
  });

  it('close the code that an answer has left open, and no other', async () => {
    const texts = ['```js\nlet a', 'a\n~~~~\n```\nb\n~~~', '```\nwhole\n```\nend', '``` a ` b\ntext', '```` \n```\nc'];
    for (const text of texts) {
      const lines = outline(await exported('markdown', message(1, text), message(2, 'next')));
      assert.deepEqual(
        lines.filter((line) => line.startsWith('heading')).slice(1),
        ['heading User', 'heading User'],
        text,
      );
    }
  });

  it('have fences that no text can end', () => {
    const text = fc.string({ unit: fc.constantFrom('`', '~', '\n', ' ', 'a', '```\n') });
    fc.assert(
      fc.property(text, (content) => {
        const tokens = new MarkdownIt().parse(fenced(content, 'js'), {});
        assert.deepEqual(
          tokens.map(({ type, content: code }) => [type, code]),
          [['fence', content.endsWith('\n') ? content : `${content}\n`]],
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('have a heading for each message, whatever was written before it and wherever that was cut off', async () => {
    const block = fc.constantFrom(
      ...['```js\na\n```', '~~~\n- b\n```\n~~~', '  ```\n  c\n\n  ```', '> ```\n> d\n> ```', '``` e ` f', '    ```'],
      ...[
        '- g\n\n  ```js\n  h\n  ```\n- i',
        '1. j\n   ~~~\n   k\n\n   l\n   ~~~',
        '- ```\n  m\n  ```',
        '10. n\n    ```\n    o',
      ],
    );
    const cut = fc.tuple(fc.array(block), fc.nat()).map(([blocks, at]) => blocks.join('\n\n').slice(0, at % 100));
    await fc.assert(
      fc.asyncProperty(cut, cut, async (one, other) => {
        const lines = outline(await exported('markdown', message(1, one), message(2, other), message(3, 'end')));
        assert.equal(lines.filter((line) => line === 'heading User').length, 3);
      }),
    );
  });

  it('have a title that reads as it was given', () => {
    const unit = fc.constantFrom(...'\\`*_[](){}<>#|~&!+-.1 ', '&lt;', '&#35;', 'a');
    fc.assert(
      fc.property(
        fc.string({ unit }).filter((title) => title.trim() !== ''),
        (title) => {
          const [, heading] = new MarkdownIt().parse(conversationMarkdown({ ...conversation, title }), {});
          const shown = heading?.children?.map(({ content }) => content).join('');
          assert.equal(shown, title.replace(/\s+/gu, ' ').trim());
        },
      ),
    );
  });

  it('are as many lines of JSON as there are messages, each of which says what was stored', async () => {
    const unit = fc.constantFrom('a', '"', '\\', '\n', '\r', '\u2028', '\u2029', '\ufeff', '🙂');
    const stored = fc.record({ content: fc.string({ unit }), parts: fc.jsonValue(), isDeleted: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(stored, { maxLength: 5 }), async (all) => {
        const messages = all.map(({ content, parts, isDeleted }, index) =>
          message(index + 1, content, { parts, deletedAt: isDeleted ? time : null }),
        );
        const lines = (await exported('jsonl', ...messages)).split('\n');
        assert.equal(lines.pop(), '');
        const live = messages.filter(({ deletedAt }) => deletedAt === null);
        assert.deepEqual(
          lines.map((line) => JSON.parse(line)).map(({ seq, content, parts }) => [seq, content, parts]),
          live.map(({ seq, content, parts }) => [seq, content, JSON.parse(JSON.stringify(parts))]),
        );
      }),
    );
  });

  it('are one line of JSON per message, with all that it takes to store it again', async () => {
    const parts = { any: ['thing\n'] };
    const text = await exported(
      'jsonl',
      message(1, 'a\nb', { parts }),
      message(2, '', { deletedAt: time }),
      message(3, 'c'),
    );
    const lines = text.trimEnd().split('\n');
    assert.equal(lines.length, 2);
    const { revision, deletedAt, ...stored } = message(1, 'a\nb', { parts });
    assert.deepEqual(JSON.parse(lines[0] ?? ''), {
      ...{ title: conversation.title, source: 'codex', externalId: 'x' },
      ...stored,
    });
    const keys = lines.map((line) => Object.keys(JSON.parse(line)).join());
    assert.deepEqual(new Set(keys).size, 1);
  });

  it('never hold more than one page, however long they are', async () => {
    const COUNT = 100_000;
    let held = 0;
    let most = 0;
    const pages = messagePages(conversation.id, async ({ fromSeq, toSeq }) => {
      const length = Math.min(toSeq, COUNT) - fromSeq + 1;
      held += length;
      most = Math.max(most, held);
      return { messages: Array.from({ length }, (_, index) => message(fromSeq + index, 'text')), lastSeq: COUNT };
    });
    let lines = 0;
    for await (const _ of exportConversation(conversation, 'jsonl', pages)) {
      lines++;
      held--;
    }
    assert.deepEqual([lines, most], [COUNT, 500]);
  });

  it('are read to the end whatever comes back of a range, an empty conversation too', async () => {
    const sizes = fc.infiniteStream(fc.integer({ min: 1, max: 4 }));
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 20 }), sizes, async (lastSeq, stream) => {
        const read: number[] = [];
        const pages = messagePages('', async ({ fromSeq, toSeq }) => {
          const length = Math.min(stream.next().value ?? 1, lastSeq - fromSeq + 1, toSeq - fromSeq + 1);
          return { messages: Array.from({ length }, (_, index) => message(fromSeq + index, '')), lastSeq };
        });
        for await (const page of pages) read.push(...page.map(({ seq }) => seq));
        assert.deepEqual(
          read,
          Array.from({ length: lastSeq }, (_, index) => index + 1),
        );
      }),
    );
  });

  it('have names that every system takes, one for each conversation', () => {
    const named = (title: string, id = conversation.id) => exportFileName({ ...conversation, title, id }, 'markdown');
    assert.equal(named('../a/b: "c" <d>|e?*\\\n\u202E.'), '2026-03-01 .. a b c d e . dc0c0c07398f.md');
    assert.equal(named(''), '2026-03-01 dc0c0c07398f.md');
    assert.notEqual(named('same'), named('same', `${conversation.id.slice(0, -1)}0`));
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (title) => {
        const name = named(title);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be in it
        assert.doesNotMatch(name, /[<>:"/\\|?*\0-\x1f\x7f]|^\s|^\./);
        assert.ok(Buffer.byteLength(name) < 255 && name.isWellFormed());
      }),
      { numRuns: 1000 },
    );
  });
});
