import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Message } from '../../../src/protocol/model.ts';
import type { PanelStrings } from '../../../src/protocol/panel.ts';
import { announcementOf } from '../../../src/views/webview/announcement.ts';
import { emptyPages, merge, type Pages, want } from '../../../src/views/webview/pages.ts';
import { messageAt } from './messages.ts';

const strings = { roleUser: 'You', roleAssistant: 'Assistant', roleSystem: 'System', roleTool: 'Tool' } as PanelStrings;

/** A message as it is while it is written, when it is complete, and when it was deleted. */
const stage = (seq: number, revision: number, content = 'text') =>
  messageAt(seq, {
    ...{ revision, content, role: 'assistant' },
    ...(revision === 1 && { status: 'streaming' }),
    ...(revision === 3 && { deletedAt: 1, content: '' }),
  });

const content = fc.array(fc.constantFrom('a', '🙂', ' ', 'x'.repeat(198))).map((pieces) => pieces.join(''));
const row = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 3 }), content)
  .map(([seq, revision, text]) => stage(seq, revision, text));
const rows = fc.array(row, { maxLength: 6 });

describe('what a screen reader says', () => {
  it('is said once, however often the same rows come', () => {
    fc.assert(
      fc.property(rows, rows, fc.nat({ max: 14 }), (held, incoming, lastSeq) => {
        const before = merge(emptyPages, held, lastSeq);
        const inOrder = incoming.toSorted((a, b) => a.revision - b.revision);
        const after = merge(before, inOrder, lastSeq);
        assert.equal(announcementOf(after, after.rows, strings), null);
      }),
    );
  });

  it('is short, of whole characters, and only of what the reader can see come or end', () => {
    const seen = (pages: Pages, { seq }: Message) => pages.rows.find((one) => one.seq === seq);
    fc.assert(
      fc.property(rows, rows, fc.nat({ max: 14 }), fc.integer({ min: 1, max: 12 }), (held, incoming, lastSeq, from) => {
        const pages = want(merge(emptyPages, held, lastSeq), from, from + 3);
        const said = announcementOf(pages, incoming, strings);
        const news = incoming.filter(({ deletedAt, status }) => deletedAt === null && status !== 'streaming');
        const isNew = (one: Message) =>
          seen(pages, one)?.status === 'streaming' || one.seq > (pages.rows.at(-1)?.seq ?? 0);
        if (said === null) assert.ok(!news.some((one) => one.seq > pages.lastSeq && !seen(pages, one)));
        else {
          assert.ok(said.startsWith('Assistant: ') && said.length <= 'Assistant: '.length + 200 && said.isWellFormed());
          assert.ok(news.some(isNew));
        }
      }),
    );
  });
});
