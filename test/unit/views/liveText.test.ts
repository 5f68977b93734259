import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { StreamPiece } from '../../../src/protocol/model.ts';
import { addPiece, type LiveText } from '../../../src/views/webview/liveText.ts';

function piecesOf(texts: readonly string[], runId = 'run'): StreamPiece[] {
  let offset = 0;
  return texts.map((text) => {
    const piece = { conversationId: 'c', messageId: 'm', runId, offset, text };
    offset += text.length;
    return piece;
  });
}

describe('live text of the panel', () => {
  const words = fc.array(fc.string({ minLength: 1, maxLength: 5, unit: 'binary' }), { minLength: 1, maxLength: 12 });

  it('is always a prefix of the whole, grows, and is whole again after the stored text has caught up', () => {
    const deliveries = fc.array(fc.record({ index: fc.nat(11), stored: fc.nat(60) }), { maxLength: 60 });
    fc.assert(
      fc.property(words, deliveries, (texts, order) => {
        const pieces = piecesOf(texts);
        const whole = texts.join('');
        let live: LiveText | undefined;
        let stored = '';
        for (const { index, stored: length } of order) {
          const piece = pieces[index % pieces.length];
          assert.ok(piece);
          if (length > stored.length) stored = whole.slice(0, length);
          const before = live?.text.length ?? 0;
          live = addPiece(live, stored, piece);
          assert.ok(whole.startsWith(live?.text ?? ''));
          assert.ok((live?.text.length ?? 0) >= before);
        }
        const last = pieces.at(-1);
        assert.ok(last);
        const caughtUp = addPiece(live, whole.slice(0, last.offset), last);
        assert.equal(caughtUp?.text, whole);
      }),
    );
  });

  it('begins with the stored text where the first pieces were missed', () => {
    const [, , third] = piecesOf(['one ', 'two ', 'three']);
    assert.ok(third);
    assert.equal(addPiece(undefined, 'one ', third), undefined);
    assert.deepEqual(addPiece(undefined, 'one two ', third), { runId: 'run', text: 'one two three' });
  });

  it('leaves an earlier attempt for the stored text of a later one', () => {
    const [first] = piecesOf(['abandoned']);
    const [again] = piecesOf(['new'], 'second run');
    assert.ok(first && again);
    assert.deepEqual(addPiece(addPiece(undefined, '', first), '', again), { runId: 'second run', text: 'new' });
  });
});
