import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { HubConversation, HubMessage, PushResult } from '../../src/protocol/hub.ts';
import { MAX_ALTERNATIVES } from '../../src/protocol/hub.ts';
import { MAX_CONTENT_LENGTH, MAX_TITLE_LENGTH } from '../../src/protocol/model.ts';
import { edit, fold, newConversation, newMessage, remove, replaceContent } from './support/changes.ts';
import type { HubClient } from './support/client.ts';
import { useHubs } from './support/hubs.ts';

const outcomes = (results: readonly PushResult[]) => results.map(({ outcome }) => outcome);

describe('push', () => {
  const hubs = useHubs();
  let client: HubClient;

  beforeEach(async () => {
    client = await hubs.connect(await hubs.start());
  });

  /** A conversation with one message that the hub has. */
  async function given(content = 'Hello') {
    const conversation = newConversation();
    const message = newMessage(conversation.entity_id, content);
    await client.push([conversation, message]);
    return { conversation, message };
  }

  async function stored(id: string): Promise<HubMessage & HubConversation> {
    return fold(await client.pullAll()).get(id) as HubMessage & HubConversation;
  }

  function refusal([result]: readonly PushResult[]) {
    assert.equal(result?.outcome, 'refused', JSON.stringify(result));
    return result.outcome === 'refused' ? result : assert.fail();
  }

  it('numbers events per workspace and messages per conversation', async () => {
    const [a, b] = [newConversation(), newConversation()];
    const results = await client.push([
      a,
      b,
      newMessage(a.entity_id),
      newMessage(b.entity_id),
      newMessage(a.entity_id),
    ]);
    assert.deepEqual(
      results.map((result) => [
        result.outcome,
        'sequence' in result && result.sequence,
        'message_sequence' in result && result.message_sequence,
      ]),
      [
        ['applied', 1, false],
        ['applied', 2, false],
        ['applied', 3, 1],
        ['applied', 4, 1],
        ['applied', 5, 2],
      ],
    );
  });

  it('changes nothing when it is repeated, and tells the same numbers', async () => {
    const conversation = newConversation();
    const messages = [newMessage(conversation.entity_id, 'a'), newMessage(conversation.entity_id, 'b')];
    const changed = edit(messages[0] ?? assert.fail(), [{ op: 'append', path: '/content', offset: 1, text: 'bc' }]);
    const pushed = [conversation, ...messages, changed];
    const first = await client.push(pushed);
    const again = await client.push(pushed);
    assert.deepEqual(outcomes(again), ['duplicate', 'duplicate', 'duplicate', 'duplicate']);
    assert.deepEqual(
      again.map((result) => ({ ...result, outcome: 'applied' })),
      first,
    );
    assert.equal((await client.pullAll()).length, 4);
  });

  it('takes messages that come again in another order, and together with new ones', async () => {
    const { conversation, message } = await given();
    const next = newMessage(conversation.entity_id, 'next');
    const results = await client.push([next, { ...message, revision_id: randomUUID() }, next]);
    assert.deepEqual(outcomes(results), ['applied', 'duplicate', 'duplicate']);
    assert.deepEqual(
      results.map((result) => 'message_sequence' in result && result.message_sequence),
      [2, 1, 2],
    );
  });

  it('recognises a creation by its id after the log was cleaned up', async () => {
    const { conversation, message } = await given();
    await hubs.database.owner.query('DELETE FROM change_events');
    assert.deepEqual(outcomes(await client.push([conversation, message])), ['duplicate', 'duplicate']);
  });

  it('recognises the present version and those kept beside it after the log was cleaned up', async () => {
    const { message } = await given();
    const edits = [replaceContent(message, 'winner'), replaceContent(message, 'loser')];
    assert.deepEqual(outcomes(await client.push(edits)), ['applied', 'conflict']);
    await hubs.database.owner.query('DELETE FROM change_events');
    assert.deepEqual(outcomes(await client.push(edits)), ['duplicate', 'duplicate']);
  });

  it('lets the first of two concurrent edits win and keeps the other one beside it', async () => {
    const { message } = await given();
    const [ann, bob] = [replaceContent(message, 'from Ann'), replaceContent(message, 'from Bob')];
    assert.deepEqual(outcomes(await client.push([ann])), ['applied']);
    assert.deepEqual(outcomes(await client.push([bob])), ['conflict']);
    const { content, alternatives } = await stored(message.entity_id);
    assert.equal(content, 'from Ann');
    assert.deepEqual(
      alternatives.map(({ createdAt: _, ...rest }) => rest),
      [{ revisionId: bob.revision_id, baseRevisionId: message.revision_id, userId: 'ann', patch: bob.json_patch }],
    );
    assert.deepEqual(outcomes(await client.push([bob])), ['duplicate']);
  });

  it('does not take an edit for outdated that only an alternative has come before', async () => {
    const { message } = await given();
    const winner = replaceContent(message, 'winner');
    await client.push([winner, replaceContent(message, 'loser')]);
    assert.deepEqual(outcomes(await client.push([replaceContent(winner, 'next')])), ['applied']);
    assert.equal((await stored(message.entity_id)).content, 'next');
  });

  it('keeps both titles of a conversation that is renamed twice at a time', async () => {
    const { conversation } = await given();
    const rename = (value: string) => edit(conversation, [{ op: 'replace', path: '/title', value }]);
    await client.push([rename('one'), rename('two')]);
    const { title, alternatives } = await stored(conversation.entity_id);
    assert.equal(title, 'one');
    assert.deepEqual(
      alternatives.map(({ patch }) => patch),
      [[{ op: 'replace', path: '/title', value: 'two' }]],
    );
  });

  it(`keeps ${MAX_ALTERNATIVES} alternatives and refuses more, which their authors still have`, async () => {
    const { message } = await given();
    const edits = Array.from({ length: MAX_ALTERNATIVES + 2 }, (_, index) => replaceContent(message, `${index}`));
    const results = await client.push(edits);
    assert.equal(results.filter(({ outcome }) => outcome === 'conflict').length, MAX_ALTERNATIVES);
    assert.equal(refusal(results.slice(-1)).reason, 'conflict');
  });

  it('lets alternatives be removed, but neither added nor changed', async () => {
    const { message } = await given();
    const winner = replaceContent(message, 'winner');
    await client.push([winner, replaceContent(message, 'loser')]);
    const forged = edit(winner, [{ op: 'replace', path: '/alternatives/0/userId', value: 'eve' }]);
    assert.equal(refusal(await client.push([forged])).reason, 'bad-request');
    await client.push([edit(winner, [{ op: 'remove', path: '/alternatives/0' }])]);
    assert.deepEqual((await stored(message.entity_id)).alternatives, []);
  });

  it('appends to a growing text, and tells the length where the offset does not fit', async () => {
    const { message } = await given('The quick ');
    const append = (base: typeof message, offset: number, text: string) =>
      edit(base, [{ op: 'append', path: '/content', offset, text }]);
    const first = append(message, 10, 'brown ');
    const second = append(first, 16, '🦊');
    assert.deepEqual(outcomes(await client.push([first, second])), ['applied', 'applied']);
    assert.equal((await stored(message.entity_id)).content, 'The quick brown 🦊');
    assert.equal(refusal(await client.push([append(second, 10, 'again')])).length, 18);
    const sizes = (await client.pullAll()).map(({ json_patch }) => JSON.stringify(json_patch).length);
    assert.ok(Math.max(...sizes.slice(2)) < 100);
  });

  it('leaves a tombstone of a message and refuses to edit it', async () => {
    const { message } = await given('secret');
    const deleted = remove(message);
    assert.deepEqual(outcomes(await client.push([deleted, remove(message)])), ['applied', 'duplicate']);
    const { content, deletedAt, seq } = await stored(message.entity_id);
    assert.deepEqual([content, seq], ['', 1]);
    assert.ok(deletedAt);
    assert.equal(refusal(await client.push([replaceContent(deleted, 'back')])).reason, 'deleted');
  });

  it('keeps an edit that a deletion has overtaken, and refuses a deletion that an edit has overtaken', async () => {
    const { conversation, message } = await given();
    const other = newMessage(conversation.entity_id, 'other');
    await client.push([other, remove(message), replaceContent(other, 'edited')]);
    assert.deepEqual(outcomes(await client.push([replaceContent(message, 'late')])), ['conflict']);
    assert.equal((await stored(message.entity_id)).alternatives.length, 1);
    assert.equal(refusal(await client.push([remove(other)])).reason, 'conflict');
    assert.equal((await stored(other.entity_id)).content, 'edited');
  });

  it('restores a conversation as it was', async () => {
    const { conversation } = await given();
    const deleted = remove(conversation);
    await client.push([deleted]);
    const renamed = edit(deleted, [{ op: 'replace', path: '/title', value: 'x' }]);
    assert.equal(refusal(await client.push([renamed])).reason, 'deleted');
    await client.push([edit(deleted, [{ op: 'replace', path: '/deletedAt', value: null }])]);
    assert.equal((await stored(conversation.entity_id)).deletedAt, null);
  });

  it('refuses what an edit must not touch, one change at a time', async () => {
    const { conversation, message } = await given();
    const patches = [
      [{ op: 'replace', path: '/id', value: randomUUID() }],
      [{ op: 'replace', path: '/seq', value: 7 }],
      [{ op: 'replace', path: '/conversationId', value: randomUUID() }],
      [{ op: 'replace', path: '/deletedAt', value: 5 }],
      [{ op: 'replace', path: '/role', value: 'emperor' }],
      [{ op: 'replace', path: '/content', value: 'a\0b' }],
      [{ op: 'replace', path: '/content', value: '\ud800' }],
      [{ op: 'add', path: '/constructor/prototype/polluted', value: true }],
      [{ op: 'add', path: '', value: null }],
    ] as const;
    for (const patch of patches)
      assert.equal(refusal(await client.push([edit(message, [...patch])])).reason, 'bad-request');
    const results = await client.push([edit(message, [...patches[0]]), newMessage(conversation.entity_id)]);
    assert.deepEqual(outcomes(results), ['refused', 'applied']);
    assert.equal((await stored(message.entity_id)).content, 'Hello');
  });

  it('refuses messages of conversations that are not there, and ids that are taken', async () => {
    const { message } = await given();
    const other = newConversation();
    await client.push([other]);
    assert.equal(refusal(await client.push([newMessage(randomUUID())])).reason, 'not-found');
    assert.equal(
      refusal(await client.push([newMessage(other.entity_id, 'x', message.entity_id)])).reason,
      'bad-request',
    );
    assert.equal(refusal(await client.push([replaceContent(newMessage(other.entity_id), 'x')])).reason, 'not-found');
  });

  it('refuses titles and texts above the limits, also when they grow there', async () => {
    const { conversation, message } = await given('x'.repeat(MAX_CONTENT_LENGTH - 1));
    assert.equal(
      refusal(await client.push([newConversation(randomUUID(), 'x'.repeat(MAX_TITLE_LENGTH + 1))])).reason,
      'too-large',
    );
    const append = (text: string) =>
      edit(message, [{ op: 'append', path: '/content', offset: MAX_CONTENT_LENGTH - 1, text }]);
    assert.equal(refusal(await client.push([append('xx')])).reason, 'too-large');
    assert.deepEqual(outcomes(await client.push([append('x')])), ['applied']);
    assert.deepEqual(
      outcomes(
        await client.push([
          edit(conversation, [{ op: 'replace', path: '/title', value: 'x'.repeat(MAX_TITLE_LENGTH) }]),
        ]),
      ),
      ['applied'],
    );
  });

  it('keeps members that only newer clients know', async () => {
    const { conversation } = await given();
    await client.push([edit(conversation, [{ op: 'add', path: '/tags', value: ['a'] }])]);
    assert.deepEqual((await stored(conversation.entity_id))['tags'], ['a']);
  });
});
