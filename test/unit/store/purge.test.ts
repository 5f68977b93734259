import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { v7 as uuid } from 'uuid';
import { recordBlobUses } from '../../../src/store/blobUses.ts';
import {
  createConversation,
  deleteConversation,
  listConversations,
  renameConversation,
  restoreConversation,
  updateConversation,
} from '../../../src/store/conversations.ts';
import type { Database } from '../../../src/store/database.ts';
import { addMessage, deleteMessage, messageRange, updateMessage } from '../../../src/store/messages.ts';
import { purgeConversations, purgeDue, removePurged } from '../../../src/store/purge.ts';
import { searchMessages } from '../../../src/store/search.ts';
import { beginStream, checkpointStream } from '../../../src/store/streams.ts';
import { verify } from '../../../src/store/verify.ts';
import {
  addTestMessage,
  changeTypes,
  createTestConversation,
  hasReason,
  origin,
  useDatabases,
} from '../../support/database.ts';
import { ingestFile, lead, workspace } from '../ingest/support.ts';

const DAY = 24 * 3_600_000;

const canary = (name: string) => `zqx${name}jvw`;

async function purge(db: Database, ...ids: string[]) {
  const purged = await purgeConversations(db, origin, ids);
  await removePurged(db, (body) => db.write(body));
  return purged;
}

describe('purged conversations', () => {
  const databases = useDatabases();

  /** The canaries that are anywhere in the files of the database, as the index would have them. */
  const inFiles = (...names: string[]) => {
    const files = ['', '-wal'].map((suffix) => databases.path + suffix).filter((path) => existsSync(path));
    const bytes = Buffer.concat(files.map((path) => readFileSync(path)));
    return names.filter((name) => bytes.includes(canary(name)));
  };

  it('leave no text in the file: not of messages, nor of their earlier versions, nor of the index', async () => {
    const db = await databases.open();
    const { id: kept } = await createTestConversation(db, 'Kept');
    const { id } = await createConversation(db, origin, { title: canary('title') });
    const message = { conversationId: id, role: 'assistant', parts: { deep: [canary('part')] } } as const;
    for (let index = 0; index < 30; index++) {
      await addTestMessage(db, kept, `${canary('kept')} ${index} ${'word '.repeat(index)}`);
      await addMessage(db, origin, { ...message, content: `${canary('text')} ${'word '.repeat(60 * index)}` });
    }
    const edited = await addTestMessage(db, id, `${canary('first')} ${'long '.repeat(2000)}`);
    await updateMessage(db, origin, { messageId: edited.id, content: canary('second') });
    const removed = await addTestMessage(db, id, canary('removed'));
    await deleteMessage(db, origin, removed.id);
    const stream = await beginStream(db, origin, { conversationId: id });
    for (const name of ['piece', 'pieces']) await checkpointStream(db, origin, stream.id, canary(name));
    await updateConversation(db, origin, { conversationId: id, tags: [canary('tag')] });
    const texts = ['title', 'part', 'text', 'second', 'pieces', 'tag'];
    db.checkpoint();
    assert.deepEqual(inFiles(...texts), texts, 'what is looked for is found');
    await purge(db, id);
    assert.deepEqual(inFiles(...texts, 'first', 'removed', 'piece', 'kept'), ['kept']);
    assert.equal(searchMessages(db, { query: canary('text') }).hits.length, 0);
    assert.equal(searchMessages(db, { query: canary('kept') }).hits.length, 30);
    assert.deepEqual(await verify(db, origin, false), { problems: [], repaired: [] });
  });

  it('are never listed, refuse everything, and say why', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    const { id: messageId } = await addTestMessage(db, id, 'text');
    await deleteConversation(db, origin, id);
    const [purged] = await purge(db, id);
    assert.ok(purged && purged.purgedAt !== null && purged.deletedAt !== null);
    assert.deepEqual(listConversations(db, true).conversations, []);
    const refused = [
      () => restoreConversation(db, origin, id),
      () => deleteConversation(db, origin, id),
      () => renameConversation(db, origin, id, 'x'),
      () => createConversation(db, origin, { id }),
      () => addTestMessage(db, id, 'more'),
      () => updateMessage(db, origin, { messageId, content: 'x' }),
      async () => messageRange(db, { conversationId: id, fromSeq: 1, toSeq: 1 }),
    ];
    for (const change of refused) await assert.rejects(change(), hasReason('deleted'));
    await assert.rejects(restoreConversation(db, origin, id), /permanently/);
    const before = changeTypes(db);
    assert.deepEqual(await purge(db, id), [purged]);
    assert.deepEqual(changeTypes(db), before);
  });

  it('go all or none', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    await assert.rejects(purgeConversations(db, origin, [id, uuid()]), hasReason('not-found'));
    assert.equal(listConversations(db, false).conversations.length, 1);
  });

  it('are those that were in the bin for 30 days, and no others', async () => {
    const db = await databases.open();
    const ids: string[] = [];
    for (const title of ['old', 'new', 'live']) ids.push((await createTestConversation(db, title)).id);
    const [old = '', fresh = ''] = ids;
    for (const id of ids) await addTestMessage(db, id, 'text');
    for (const id of [old, fresh]) await deleteConversation(db, origin, id);
    db.sql('UPDATE conversations SET deleted_at = deleted_at - ? WHERE id = ?').run(DAY, old);
    await purgeDue(db, origin, (body) => db.write(body), Date.now() + 29.5 * DAY);
    assert.deepEqual(
      listConversations(db, true)
        .conversations.map(({ title }) => title)
        .sort(),
      ['live', 'new'],
    );
    assert.deepEqual(changeTypes(db).at(-1), 'ConversationPurged');
    assert.equal(searchMessages(db, { query: 'text' }).hits.length, 1);
  });

  it('write nothing when there is nothing to purge', async () => {
    const db = await databases.open();
    const { id } = await createTestConversation(db);
    await deleteConversation(db, origin, id);
    await purgeDue(db, origin, () => assert.fail('a write'), Date.now());
  });

  it('are emptied by whoever comes next, wherever the first one has stopped', async () => {
    const db = await databases.open();
    let stops = 0;
    for (let steps = 0, hasStopped = true; hasStopped; steps++) {
      const { id } = await createTestConversation(db, canary('title'));
      for (let index = 0; index < 5; index++) await addTestMessage(db, id, `${canary('text')} ${'x'.repeat(400_000)}`);
      let left = steps;
      const dying = async <T>(body: () => T): Promise<T> => {
        if (left-- === 0) throw new Error('killed');
        return db.write(body);
      };
      hasStopped = false;
      await purgeConversations(db, origin, [id]);
      await removePurged(db, dying).catch((error: Error) => {
        assert.equal(error.message, 'killed');
        hasStopped = true;
        stops++;
      });
      assert.deepEqual((await verify(db, origin, false)).problems, []);
      await purgeDue(db, origin, (body) => db.write(body), Date.now());
      assert.deepEqual(inFiles('text', 'title'), []);
    }
    assert.ok(stops >= 6, `${stops}`);
  }).timeout(60_000);

  it('take along the blobs that no other message needs', async () => {
    const db = await databases.open();
    const hashes = ['a', 'b', 'c'].map((letter) => letter.repeat(64));
    const [own = '', shared = '', tail = ''] = hashes;
    for (const hash of hashes) {
      db.sql(`INSERT INTO blobs(hash, media_type, size, content) VALUES (?, 'image/png', 1, x'00')`).run(hash);
    }
    const { id: kept } = await createTestConversation(db);
    const { id } = await createTestConversation(db);
    const use = async (conversationId: string, ...used: string[]) => {
      const message = await addTestMessage(db, conversationId, 'x');
      const parts = JSON.stringify(used.map((hash) => ({ type: 'image', hash })));
      await db.write(() => recordBlobUses(db, { ...message, content: 'x', parts }));
      return message;
    };
    await use(kept, shared);
    await use(id, own, shared);
    const cut = await use(id, own);
    const content = `beginning\n… (9 characters; the whole is kept as ${tail})`;
    await db.write(() => recordBlobUses(db, { id: cut.id, content, parts: null }));
    await deleteMessage(db, origin, cut.id);
    assert.deepEqual(db.sql('SELECT hash FROM blobs').pluck().all(), [own, shared]);
    await purge(db, id);
    assert.deepEqual(db.sql('SELECT hash FROM blobs').pluck().all(), [shared]);
    await purge(db, kept);
    assert.deepEqual(db.sql('SELECT hash FROM blobs').pluck().all(), []);
    assert.deepEqual(db.sql('SELECT hash FROM blob_uses').pluck().all(), []);
  });

  it('of an agent are not imported again, nor what of them nobody understood', async () => {
    const db = await databases.open();
    const leader = await lead(db);
    const sessionId = uuid();
    const path = join(databases.directory.path, `${sessionId}.jsonl`);
    const base = { sessionId, cwd: workspace, timestamp: '2026-03-01T10:00:00Z' };
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: btoa(canary('image')) } };
    const records = [
      { ...base, type: 'user', uuid: 'u1', message: { content: [{ type: 'text', text: canary('text') }, image] } },
      { ...base, type: 'news', news: canary('news') },
      { ...base, type: 'custom-title', customTitle: canary('title') },
      { type: 'summary', summary: canary('summary'), leafUuid: 'in another file' },
    ];
    writeFileSync(path, `${records.map((one) => JSON.stringify(one)).join('\n')}\n{"broken ${canary('broken')}\n`);
    await ingestFile(db, leader, path, 'claude-code');
    const names = ['text', 'image', 'news', 'title', 'broken', 'summary'];
    assert.deepEqual(inFiles(...names), names);
    const { id } = listConversations(db, false).conversations[0] as { id: string };
    await purge(db, id);
    assert.deepEqual(inFiles(...names), []);
    appendFileSync(path, `${JSON.stringify({ ...records[3], leafUuid: 'in a third one' })}\n`);
    await ingestFile(db, leader, path, 'claude-code');
    db.checkpoint();
    assert.deepEqual(inFiles(...names), []);
    // As when the file was changed before its end, and is read from its beginning.
    db.sql('DELETE FROM ingest_quarantine').run();
    db.sql('DELETE FROM ingest_unknown').run();
    db.sql('DELETE FROM ingest_files').run();
    writeFileSync(path, `${JSON.stringify(records[0])}\n`);
    await ingestFile(db, leader, path, 'claude-code');
    db.checkpoint();
    assert.deepEqual(inFiles(...names), []);
    assert.deepEqual(listConversations(db, true).conversations, []);
    assert.deepEqual((await verify(db, origin, false)).problems, []);
  });
});
