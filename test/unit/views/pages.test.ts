import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Message } from '../../../src/protocol/model.ts';
import {
  claimedTwice,
  countShown,
  cutNewer,
  cutOlder,
  emptyPages,
  gaps,
  items,
  merge,
  type Pages,
  reachesEnd,
  want,
  wanted,
  withoutOthers,
} from '../../../src/views/webview/pages.ts';
import { messageAt } from './messages.ts';

interface Delivery {
  messages: Message[];
  lastSeq: number;
}

const anyRow = fc
  .tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 4 }))
  // The newest revision is the deletion, as in a real history.
  .map(([seq, revision]) => messageAt(seq, revision === 4 ? { revision, deletedAt: 1, content: '' } : { revision }));
const anyDelivery: fc.Arbitrary<Delivery> = fc.record({
  messages: fc.array(anyRow, { maxLength: 8 }),
  lastSeq: fc.integer({ min: 0, max: 40 }),
});
const apply = (pages: Pages, { messages, lastSeq }: Delivery) => merge(pages, messages, lastSeq);
/** Wants everything from a number on. */
const wantFrom = (pages: Pages, from: number) => want(pages, from, Number.POSITIVE_INFINITY);
const anyPages = fc
  .tuple(fc.array(anyDelivery, { minLength: 1, maxLength: 8 }), fc.integer({ min: -5, max: 45 }), fc.nat({ max: 45 }))
  .map(([deliveries, from, length]) => want(deliveries.reduce(apply, emptyPages), from, from + length));

describe('pages of the panel', () => {
  it('end in the same state whatever the order and repetition of deliveries', () => {
    const shuffled = fc
      .array(anyDelivery, { minLength: 1, maxLength: 8 })
      .chain((deliveries) =>
        fc.tuple(
          fc.constant(deliveries),
          fc.shuffledSubarray([...deliveries, ...deliveries], { minLength: deliveries.length * 2 }),
          fc.nat({ max: deliveries.length }),
        ),
      );
    fc.assert(
      fc.property(shuffled, fc.integer({ min: 1, max: 30 }), ([deliveries, disordered, widenAt], from) => {
        const orderly = wantFrom(deliveries.reduce(apply, emptyPages), from);
        const early = wantFrom(disordered.slice(0, widenAt).reduce(apply, emptyPages), from);
        assert.deepEqual(withoutOthers(disordered.slice(widenAt).reduce(apply, early)), orderly);
      }),
    );
  });

  it('hold the highest revision of each message and never lower the newest number', () => {
    fc.assert(
      fc.property(fc.array(anyDelivery), (deliveries) => {
        let pages = emptyPages;
        for (const delivery of deliveries) {
          const next = apply(pages, delivery);
          assert.ok(next.lastSeq >= pages.lastSeq);
          pages = next;
        }
        const all = deliveries.flatMap(({ messages }) => messages);
        for (const { seq, revision } of pages.rows) {
          assert.equal(revision, Math.max(...all.filter((other) => other.seq === seq).map((other) => other.revision)));
        }
        assert.deepEqual(
          pages.rows.map(({ seq }) => seq),
          [...new Set(all.map(({ seq }) => seq))].sort((a, b) => a - b),
        );
      }),
    );
  });

  it('miss exactly the wanted numbers that they do not hold', () => {
    fc.assert(
      fc.property(
        anyDelivery,
        fc.integer({ min: -5, max: 45 }),
        fc.nat({ max: 50 }),
        ({ messages, lastSeq }, from, length) => {
          const pages = want(merge(emptyPages, messages, lastSeq), from, from + length);
          const held = new Set(messages.map(({ seq }) => seq));
          const wanted = Array.from({ length: pages.lastSeq }, (_, index) => index + 1).filter(
            (seq) => seq >= from && seq <= from + length,
          );
          const missing = gaps(pages).flatMap((gap) =>
            Array.from({ length: gap.to - gap.from + 1 }, (_, index) => gap.from + index),
          );
          assert.deepEqual(
            missing,
            wanted.filter((seq) => !held.has(seq)),
          );
        },
      ),
    );
  });

  it('show messages and gaps in order, but neither tombstones nor what lies outside the wanted stretch', () => {
    const rows = [messageAt(1), messageAt(4), messageAt(5, { deletedAt: 1 }), messageAt(8), messageAt(11)];
    assert.deepEqual(items(want(merge(emptyPages, rows, 12), 3, 9)), [
      { from: 3, to: 3 },
      messageAt(4),
      { from: 6, to: 7 },
      messageAt(8),
      { from: 9, to: 9 },
    ]);
  });

  it('hold nothing outside the wanted stretch', () => {
    fc.assert(
      fc.property(anyPages, fc.integer({ min: 1, max: 40 }), (pages, most) => {
        for (const cut of [pages, cutNewer(pages, most), cutOlder(pages, most)]) {
          assert.ok(cut.rows.every(({ seq }) => cut.from <= seq && seq <= cut.to));
          assert.ok(cut.to === Number.POSITIVE_INFINITY || cut.to < cut.lastSeq);
        }
      }),
    );
  });

  it('are cut at either end to as many messages as they may have, and not by one more', () => {
    fc.assert(
      fc.property(anyPages, fc.integer({ min: 1, max: 40 }), (pages, most) => {
        const [oldest, newest] = [cutNewer(pages, most), cutOlder(pages, most)];
        for (const cut of [oldest, newest]) assert.equal(countShown(cut), Math.min(most, countShown(pages)));
        assert.equal(oldest.from, pages.from);
        assert.equal(newest.to, pages.to);
        const longer = (cut: Pages, from: number, to: number) =>
          countShown(withoutOthers({ ...pages, from: cut.from + from, to: cut.to + to }));
        if (oldest !== pages) assert.ok(longer(oldest, 0, 1) > most);
        if (newest !== pages) assert.ok(longer(newest, -1, 0) > most);
      }),
    );
  });

  it('follow the conversation as long as its newest message is wanted', () => {
    const pages = want(merge(emptyPages, [], 50), 31, 50);
    assert.deepEqual([wanted(merge(pages, [], 60)), reachesEnd(merge(pages, [], 60))], [[{ from: 31, to: 60 }], true]);
    const older = want(pages, 31, 49);
    assert.deepEqual([wanted(merge(older, [], 60)), reachesEnd(older)], [[{ from: 31, to: 49 }], false]);
  });

  it('let an outdated row give way to whatever there is now, and no other row to another message', () => {
    const pages = merge(emptyPages, [messageAt(1, { revision: 3 }), messageAt(2)], 2);
    const [older, other] = [messageAt(1, { revision: 2 }), messageAt(2, { id: 'other', revision: 9 })];
    assert.equal(merge(pages, [older, other]), pages);
    assert.equal(claimedTwice(pages, [older, other]), 2);
    assert.deepEqual(merge(pages, [older, other], 0, () => true).rows, [older, other]);
    assert.equal(
      claimedTwice(pages, [older, other], () => true),
      undefined,
    );
    assert.equal(
      merge(pages, [messageAt(2)], 0, () => true),
      pages,
    );
  });

  it('follow a message that was given another number', () => {
    const [first, second] = [messageAt(1), messageAt(2)];
    const pages = merge(emptyPages, [first, second], 2);
    const incoming = [messageAt(2, { id: 'between' }), { ...second, seq: 3 }];
    assert.equal(claimedTwice(pages, incoming), undefined);
    const moved = merge(pages, incoming, 3);
    assert.deepEqual(
      moved.rows.map(({ id, seq }) => [id, seq]),
      [
        [first.id, 1],
        ['between', 2],
        [second.id, 3],
      ],
    );
    assert.equal(merge(moved, [{ ...second, revision: second.revision - 1 }], 3), moved);
  });

  it('learn that the hub has confirmed a number, and do not forget it', () => {
    const pages = merge(emptyPages, [messageAt(1, { isPending: true })], 1);
    for (const isOutdated of [() => false, () => true]) {
      const confirmed = merge(pages, [messageAt(1)], 1, isOutdated);
      assert.deepEqual(confirmed.rows, [messageAt(1)]);
      assert.equal(merge(confirmed, [messageAt(1, { isPending: true })], 1, isOutdated), confirmed);
    }
  });

  it('stay the same value when nothing is new', () => {
    const pages = merge(emptyPages, [messageAt(1, { revision: 2 })], 1);
    assert.equal(merge(pages, [messageAt(1), messageAt(1, { revision: 2 })], 1), pages);
    const all = want(pages, 1, 1);
    assert.equal(want(all, 0, 5), all);
    assert.equal(withoutOthers(all), all);
  });
});
