import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MAX_CONTENT_LENGTH } from '../../../src/protocol/model.ts';
import { addMessage, messageRange, updateMessage } from '../../../src/store/messages.ts';
import { normaliseContent, normaliseTitle } from '../../../src/store/text.ts';
import {
  addTestMessage,
  changeTypes,
  createTestConversation,
  hasReason,
  origin,
  useDatabases,
} from '../../support/database.ts';
import { runs } from '../properties.ts';

/** Text of any UTF-16 code units, lone surrogates and NUL among them. */
const wildText = fc
  .array(
    fc.oneof(
      fc.constantFrom(0, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xfeff, 0xfffd, 0x200d, 0x202e, 0x0a, 0x27),
      fc.nat({ max: 0xffff }),
    ),
    { maxLength: 30 },
  )
  .map((units) => String.fromCharCode(...units));

describe('text', () => {
  const databases = useDatabases();

  it('replaces what cannot be stored and nothing else', () => {
    assert.equal(normaliseContent('a\0b\ud800c\udc00'), 'a\uFFFDb\uFFFDc\uFFFD');
    assert.equal(normaliseContent(' 😀\r\n\ufeff\u202e '), ' 😀\r\n\ufeff\u202e ');
  });

  it('is normal after it was made normal', () => {
    fc.assert(
      fc.property(wildText, (text) => {
        const content = normaliseContent(text);
        assert.ok(content.isWellFormed() && !content.includes('\0') && content.length === text.length);
        assert.equal(normaliseContent(content), content);
        const title = normaliseTitle(text);
        assert.ok(title.isWellFormed() && title === title.trim() && !/[\0\n\r\t]/.test(title));
        assert.equal(normaliseTitle(title), title);
      }),
    );
  });

  it('comes back from the database as the writer was told', async () => {
    const db = await databases.open();
    const { id: conversationId } = await createTestConversation(db);
    await fc.assert(
      fc.asyncProperty(wildText, async (text) => {
        const parts = { text: text.toWellFormed() };
        const added = await addMessage(db, origin, {
          conversationId,
          role: 'user',
          content: text,
          author: null,
          parts,
        });
        const range = { conversationId, fromSeq: added.seq, toSeq: added.seq };
        assert.deepEqual(messageRange(db, range).messages, [added]);
        assert.deepEqual([added.content, added.parts], [normaliseContent(text), parts]);
        const changes = changeTypes(db).length;
        assert.deepEqual(await updateMessage(db, origin, { messageId: added.id, content: text, parts }), added);
        assert.equal(changeTypes(db).length, changes);
      }),
      // Each run waits for the disk.
      runs(300),
    );
  });

  it('is refused above the limit and stored at it', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    const message = await addTestMessage(db, id, 'x'.repeat(MAX_CONTENT_LENGTH));
    assert.equal(message.content.length, MAX_CONTENT_LENGTH);
    const tooLong = 'x'.repeat(MAX_CONTENT_LENGTH + 1);
    await assert.rejects(addTestMessage(db, id, tooLong), hasReason('too-large'));
    const update = updateMessage(db, origin, { messageId: message.id, content: tooLong });
    await assert.rejects(update, hasReason('too-large'));
    assert.equal(changeTypes(db).length, 2);
  });
});
