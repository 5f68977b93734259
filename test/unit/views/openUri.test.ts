import assert from 'node:assert/strict';
import { readUri } from '../../../src/views/openUri.ts';

const id = '01900000-0000-7000-8000-00000000000a';

describe('an address of the extension', () => {
  it('names a conversation, and a message of it', () => {
    assert.deepEqual(readUri('/open', `conversation=${id}`), { conversationId: id });
    assert.deepEqual(readUri('/open', `conversation=${id.toUpperCase()}&seq=7`), { conversationId: id, seq: 7 });
  });

  it('leads nowhere when it is another one', () => {
    for (const query of ['', 'conversation=', 'conversation=../../etc', `other=${id}`]) {
      assert.equal(readUri('/open', query), undefined);
    }
    assert.equal(readUri('/delete', `conversation=${id}`), undefined);
  });

  it('means the conversation when its number is none', () => {
    for (const seq of ['0', '-1', '1.5', 'x']) {
      assert.deepEqual(readUri('/open', `conversation=${id}&seq=${seq}`), { conversationId: id });
    }
  });
});
