import assert from 'node:assert/strict';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import type { Params } from '../../../src/protocol/rpc.ts';
import { MARK_START } from '../../../src/protocol/snippet.ts';
import { deleteConversation, restoreConversation, updateConversation } from '../../../src/store/conversations.ts';
import type { Database } from '../../../src/store/database.ts';
import { deleteMessage, updateMessage } from '../../../src/store/messages.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { searchMessages } from '../../../src/store/search.ts';
import { findWords, wordsOf } from '../../../src/views/webview/words.ts';
import { addTestMessage, createTestConversation, hasReason, origin, useDatabases } from '../../support/database.ts';

describe('search', () => {
  const databases = useDatabases();

  async function setUp(...contents: string[]) {
    const db = await databases.open();
    const conversation = await createTestConversation(db);
    const ids: string[] = [];
    for (const content of contents) ids.push((await addTestMessage(db, conversation.id, content)).id);
    const found = (query: string, limit = 50) =>
      searchMessages(db, { query, limit })
        .hits.map(({ messageId }) => ids.indexOf(messageId))
        .sort();
    return { db, conversation, ids, found };
  }

  it('finds the messages that hold every word, the last one as a beginning', async () => {
    const { found } = await setUp('red apple pie', 'green apple', 'apple_pie and Ärger', 'pieces of an apple');
    assert.deepEqual(found('apple'), [0, 1, 2, 3]);
    assert.deepEqual(found('APPLE red'), [0]);
    assert.deepEqual(found('apple pie'), [0, 3]);
    assert.deepEqual(found('pie apple'), [0]);
    assert.deepEqual(found('arg'), [2]);
    assert.deepEqual(found('apple_p'), [2]);
    assert.deepEqual(found('orange'), []);
    assert.equal(found('apple', 2).length, 2);
  });

  it('tells where the match is', async () => {
    const { db, conversation, ids } = await setUp('first', 'a red apple');
    const [hit] = searchMessages(db, { query: 'app', limit: 10 }).hits;
    assert.ok(hit && hit.createdAt > 0);
    const { createdAt, ...rest } = hit;
    assert.deepEqual(rest, {
      conversationId: conversation.id,
      title: conversation.title,
      messageId: ids[1],
      seq: 2,
      role: 'user',
      snippet: 'a red \uE000apple\uE001',
    });
  });

  it('follows updates and forgets what was deleted', async () => {
    const { db, conversation, ids, found } = await setUp('old words', 'other words');
    const [first = '', second = ''] = ids;
    await updateMessage(db, origin, { messageId: first, content: 'new words' });
    assert.deepEqual([found('old'), found('new'), found('words')], [[], [0], [0, 1]]);
    await deleteMessage(db, origin, second);
    assert.deepEqual([found('other'), found('words')], [[], [0]]);
    await deleteConversation(db, origin, conversation.id);
    assert.deepEqual(found('words'), []);
    await restoreConversation(db, origin, conversation.id);
    assert.deepEqual(found('words'), [0]);
    databases.raw().exec(`INSERT INTO message_index(message_index, rank) VALUES ('integrity-check', 1)`);
  });

  it('can be restricted by source, tag and archive', async () => {
    const { db, conversation, ids } = await setUp('red apple');
    const other = await createTestConversation(db);
    ids.push((await addTestMessage(db, other.id, 'green apple')).id);
    const found = (filters: Omit<Params<'search'>, 'query'> = {}) =>
      searchMessages(db, { query: 'apple', ...filters }).hits.map(({ messageId }) => ids.indexOf(messageId));
    await updateConversation(db, origin, { conversationId: other.id, tags: ['Äpfel', 'x'] });
    db.sql(`UPDATE conversations SET source = 'codex' WHERE id = ?`).run(other.id);
    assert.deepEqual([found().length, found({ source: 'codex' }), found({ source: 'chat' })], [2, [1], [0]]);
    assert.deepEqual(
      [found({ tag: ' äPFEL' }), found({ tag: 'X', source: 'chat' }), found({ tag: 'none' })],
      [[1], [], []],
    );
    await updateConversation(db, origin, { conversationId: conversation.id, archived: true });
    assert.deepEqual([found(), found({ includeArchived: true }).length], [[1], 2]);
    assert.deepEqual(found({ conversationId: conversation.id }), [0]);
  });

  it('within one conversation finds all in their order, as many as are asked for, and says how many there are', async () => {
    const db = await databases.open();
    const [{ id: conversationId }, { id: other }] = [
      await createTestConversation(db),
      await createTestConversation(db),
    ];
    for (let index = 0; index < 12; index++) {
      await addTestMessage(
        db,
        conversationId,
        `apple ${'apple '.repeat(index % 5)} ${index % 2 === 0 ? 'even' : 'odd'}`,
      );
      await addTestMessage(db, other, 'apple even');
    }
    const search = (query: string, limit?: number) => {
      const { hits, total } = searchMessages(db, { query, conversationId, limit });
      assert.ok(hits.every((hit) => hit.conversationId === conversationId && hit.snippet.includes(MARK_START)));
      return [hits.map(({ seq }) => seq), total];
    };
    assert.deepEqual(search('apple even'), [[1, 3, 5, 7, 9, 11], 6]);
    assert.deepEqual(search('apple', 3), [[1, 2, 3], 12]);
    assert.deepEqual(
      [search('pear'), search('*')],
      [
        [[], 0],
        [[], 0],
      ],
    );
    // The same of a conversation too long for the quicker way.
    db.sql('UPDATE conversations SET last_seq = 1e9 WHERE id = ?').run(conversationId);
    assert.deepEqual(search('apple even', 4), [[1, 3, 5, 7], 6]);
    await deleteConversation(db, origin, conversationId);
    assert.deepEqual(search('apple'), [[], 0]);
    assert.throws(() => searchMessages(db, { query: 'x', conversationId: origin }), hasReason('not-found'));
  });

  for (const query of ['"', 'a OR', '*', '-a', 'content:a', 'NEAR(a b', '^a', '(a', 'a" OR "b', '{content}: a', '\0']) {
    it(`takes ${JSON.stringify(query)} for words only`, async () => {
      const { found } = await setUp('nothing of it');
      assert.deepEqual(found(query), []);
    });
  }

  it('accepts every query, and finds a message by any run of its words', async () => {
    const content = 'Alpha beta_1 gämma delta; near or and not x2 日本語 text';
    const { db, ids } = await setUp(content);
    const syntax = fc.constantFrom(
      '"',
      '*',
      '-',
      '^',
      ':',
      '(',
      ')',
      '{',
      '}',
      '+',
      ' AND ',
      ' OR ',
      ' NOT ',
      'NEAR',
      '\0',
    );
    const noise = fc.array(fc.oneof(syntax, fc.string({ unit: 'binary', maxLength: 5 })), { maxLength: 12 });
    fc.assert(
      fc.property(noise, (pieces) => {
        const hits = searchMessages(db, { query: pieces.join(''), limit: 5 }).hits;
        assert.ok(Array.isArray(hits));
      }),
    );
    const words = content.split(/[; ]+/);
    fc.assert(
      fc.property(fc.subarray(words, { minLength: 1 }), fc.constantFrom(' ', '" ', '-', ' * ', '(:'), (some, glue) => {
        assert.deepEqual(
          searchMessages(db, { query: some.join(glue), limit: 5 }).hits.map(({ messageId }) => messageId),
          ids,
        );
      }),
    );
  });

  it('finds no message in which the panel would not find the words too', () => {
    const sqlite = new Sqlite(':memory:');
    migrate(sqlite);
    const inMemory = { sql: (text: string) => sqlite.prepare(text), read: <T>(body: () => T) => body() };
    sqlite.exec(
      `INSERT INTO conversations(id, title, source, last_seq, created_at, updated_at) VALUES ('c', '', 'chat', 1, 1, 1);
       INSERT INTO messages(id, conversation_id, seq, role, content, status, created_at, updated_at)
       VALUES ('m', 'c', 1, 'user', '', 'complete', 1, 1)`,
    );
    const write = sqlite.prepare('UPDATE messages SET content = ?');
    const letters = ['a', 'A', 'b', 'é', 'É', 'ß', 'Ö', 'я', 'Й', 'й', 'σ', 'Σ', 'ς', 'İ', 'ı', '日', '_', '7'];
    const word = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 4 });
    const separator = fc.constantFrom(' ', '-', '\n', '. ', '"');
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), separator, word, fc.boolean(), (words, between, other, isOwn) => {
        const content = words.join(between);
        write.run(content);
        const query = isOwn && words[0] !== undefined ? words[0].slice(0, 2) : other;
        const { hits } = searchMessages(inMemory as unknown as Database, { query, limit: 5 });
        const isHighlighted = findWords(content, wordsOf(query)).length > 0;
        if (hits.length > 0) assert.ok(isHighlighted, `${query} in ${content}`);
      }),
    );
    sqlite.close();
  });
});
