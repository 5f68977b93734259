import assert from 'node:assert/strict';
import type { StreamPiece } from '../../../src/protocol/model.ts';
import { LiveTexts } from '../../../src/views/webview/liveTexts.ts';
import { messageAt, settled } from './messages.ts';

const message = messageAt(1, { status: 'streaming', content: '' });

function piece(offset: number, text: string): StreamPiece {
  return { conversationId: message.conversationId, messageId: message.id, runId: 'run', offset, text };
}

describe('live texts of the panel', () => {
  const shown = async (live: LiveTexts, content: string) => {
    await new Promise((resolve) => setTimeout(resolve));
    await settled();
    return live.textOf({ ...message, content });
  };

  it('go on behind a hole as soon as the stored text has reached it, however far the pieces are by then', async () => {
    const live = new LiveTexts((action) => setImmediate(action));
    // Opened in the middle: what comes is always ahead of what is stored.
    assert.equal(live.add(piece(10, 'three '), 'one '), false);
    assert.equal(live.add(piece(16, 'four '), 'one two   '.slice(0, 8)), false);
    assert.equal(await shown(live, 'one two '), 'one two ');
    assert.equal(live.add(piece(21, 'five'), 'one two   three'), true);
    assert.equal(await shown(live, 'one two   three'), 'one two   three four five');
    assert.equal(live.add(piece(25, '!'), 'one two   three'), true);
    assert.equal(await shown(live, 'one two   three'), 'one two   three four five!');
  });

  it('end with the final row, whatever comes after it', async () => {
    const live = new LiveTexts((action) => setImmediate(action));
    assert.equal(live.add(piece(0, 'one two'), ''), true);
    assert.equal(await shown(live, ''), 'one two');
    live.settle([{ ...message, status: 'complete' }]);
    assert.equal(live.textOf({ ...message, content: 'one' }), 'one');
    live.add(piece(0, 'one two three'), 'one');
    await shown(live, '');
    assert.equal(live.textOf({ ...message, status: 'complete', content: 'one' }), 'one');
  });
});
