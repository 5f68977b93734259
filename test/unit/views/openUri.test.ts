import assert from 'node:assert/strict';
import fc from 'fast-check';
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

  it('is read as it was written, and leads to nothing but a conversation, whatever else it holds', () => {
    const more = fc.dictionary(
      fc.constantFrom('seq', 'x', 'conversation2'),
      fc.oneof(fc.string(), fc.nat().map(String)),
    );
    fc.assert(
      fc.property(fc.uuid(), fc.option(fc.integer({ min: 1 })), more, (conversation, seq, others) => {
        const query = new URLSearchParams({ ...others, conversation, ...(seq !== null && { seq: String(seq) }) });
        const target = readUri('/open', query.toString());
        assert.equal(target?.conversationId, conversation);
        if (seq !== null) assert.equal(target.seq, seq);
        else assert.ok(target.seq === undefined || Number.isSafeInteger(target.seq));
        query.set('conversation', `${conversation}${query}`);
        assert.equal(readUri('/open', query.toString()), undefined);
      }),
    );
  });
});
