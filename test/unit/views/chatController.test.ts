import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { v7 as uuid } from 'uuid';
import type { PanelEvent } from '../../../src/protocol/panel.ts';
import { mergeRanges, toRanges } from '../../../src/sync/sequence.ts';
import { type EventOf, useChatWindows } from '../../support/chatWindow.ts';
import { until, useClients } from '../../support/clients.ts';
import { hasReason } from '../../support/database.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/transcripts');

/** The lines of a session of one agent in which somebody says something so many times. */
function transcriptOf(messages: number): string[] {
  const session = { sessionId: uuid(), type: 'user', cwd: '/home/ada/engine', version: '2.1.37' };
  return Array.from({ length: messages }, (_, index) => {
    const message = { role: 'user', content: `prompt ${index}` };
    return `${JSON.stringify({ ...session, uuid: uuid(), timestamp: '2026-03-01T10:00:00.000Z', message })}\n`;
  });
}

describe('chat of a window', () => {
  const clients = useClients();
  const { open, started } = useChatWindows(clients);

  it('shows the conversation that is selected, and tells who wants to know', async () => {
    const { chat, client, create, posted, view } = await started();
    const { id } = await create();
    const selected: (string | null)[] = [];
    chat.events.on('selected', (one) => selected.push(one));
    posted.length = 0;
    chat.select(id);
    chat.select(id);
    assert.deepEqual(posted, [
      {
        type: 'view',
        view: {
          conversation: { id, title: 'Talk', lastSeq: 0, agent: null },
          otherWindows: 0,
          connection: 'ready',
          generation: 1,
          problem: null,
          readOnly: null,
          hasModel: null,
          lastModel: null,
          instanceId: client.session?.instanceId,
        },
      },
    ]);
    chat.select(null);
    assert.deepEqual([selected, await view()], [[id, null], null]);
  });

  it('shows what it showed before a reload, when that is still there', async () => {
    const first = await started();
    const { id } = await first.create();
    const early = await open();
    const answer = await early.chat.handle('ready', { conversationId: id });
    assert.deepEqual([answer.conversation, answer.connection], [null, 'starting']);
    await early.start();
    assert.equal((await early.view())?.id, id);
    const late = await started();
    assert.equal((await late.chat.handle('ready', { conversationId: id })).conversation?.id, id);
  });

  it('shows nothing in its place when it is gone, nor when the window has chosen already', async () => {
    const unknown = uuid();
    const early = await open();
    await early.chat.handle('ready', { conversationId: unknown });
    await early.start();
    assert.equal(early.chat.selected, null);
    await early.chat.handle('ready', { conversationId: unknown });
    assert.equal(early.chat.selected, null);
    const [one, two] = [await early.create('One'), await early.create('Two')];
    early.chat.select(two.id);
    await early.chat.handle('ready', { conversationId: one.id });
    assert.equal(early.chat.selected, two.id);
  });

  it('creates the conversation of the first message once, shows it, and keeps the order of two quick ones', async () => {
    const { chat, client, view } = await started();
    const conversationId = uuid();
    const contents = ['First words\nand more', 'Second'];
    const sent = contents.map((content) => chat.handle('send', { conversationId, messageId: uuid(), content }));
    const stored = await Promise.all(sent);
    assert.deepEqual(
      stored.map(({ seq, content, role }) => [seq, content, role]),
      contents.map((content, index) => [index + 1, content, 'user']),
    );
    assert.deepEqual([chat.selected, (await view())?.title], [conversationId, 'First words']);
    const { conversations } = await client.request('conversation/list', {});
    assert.deepEqual(
      conversations.map(({ id, lastSeq }) => [id, lastSeq]),
      [[conversationId, 2]],
    );
  });

  it('stores a message once that is sent again', async () => {
    const { chat } = await started();
    const message = { conversationId: uuid(), messageId: uuid(), content: 'text' };
    const first = await chat.handle('send', message);
    assert.deepEqual(await chat.handle('send', message), first);
  });

  it('puts a reply to what an agent has written into a copy, one however often it is sent', async () => {
    const { chat, client, history, view } = await started();
    const transcript = join(fixtures, 'claude', 'session.jsonl');
    await client.request('ingest/import', { paths: [transcript] });
    await until(history.events, 'updated', () => history.live().some(({ lastSeq }) => lastSeq === 11));
    const [imported] = history.live();
    assert.ok(imported);
    chat.select(imported.id);
    assert.deepEqual((await view())?.agent, {
      text: 'claude-code · main · claude-opus-4-5',
      isResumable: true,
      beginsIn: null,
    });
    const message = { conversationId: imported.id, messageId: uuid(), content: 'And then?', replyTo: uuid() };
    const stored = [await chat.handle('send', message), await chat.handle('send', message)];
    assert.equal(chat.selected, stored[0]?.conversationId);
    assert.deepEqual(
      stored.map(({ conversationId, seq, parts }) => [conversationId === imported.id, seq, parts]),
      [
        [false, 12, null],
        [false, 12, null],
      ],
    );
    const { conversations } = await client.request('conversation/list', {});
    assert.deepEqual(conversations.map(({ lastSeq }) => lastSeq).sort(), [11, 12]);
  });

  it('names a conversation without a title after its first message, in few words', async () => {
    const { chat, create, history } = await started();
    const { id } = await create('');
    const content = `  ${'long '.repeat(30)}\nsecond line`;
    await chat.handle('send', { conversationId: id, messageId: uuid(), content });
    const title = history.get(id)?.title ?? '';
    assert.match(title, /^long( long)*…$/);
    assert.ok(title.length <= 61);
    await chat.handle('send', { conversationId: id, messageId: uuid(), content: 'another' });
    assert.equal(history.get(id)?.title, title);
  });

  it('sends on after a message that was refused', async () => {
    const { chat, client, create, history } = await started();
    const { id } = await create();
    history.apply(await client.request('conversation/delete', { conversationId: id }));
    const [refused, accepted] = [id, uuid()].map((conversationId) =>
      chat.handle('send', { conversationId, messageId: uuid(), content: 'text' }),
    );
    await assert.rejects(refused ?? Promise.resolve(), hasReason('deleted'));
    assert.equal((await accepted)?.seq, 1);
  });

  it('leaves a conversation that another window deleted, and says so', async () => {
    const [one, two] = [await started(), await started()];
    const { id } = await one.create('Doomed');
    one.chat.select(id);
    await two.client.request('conversation/delete', { conversationId: id });
    const notice = await one.told('notice');
    assert.deepEqual(notice, { type: 'notice', text: 'gone: Doomed', restorable: id });
    assert.deepEqual([one.chat.selected, await one.view()], [null, null]);
  });

  it('says so too when it could not listen while the other deleted, however it learns of it', async () => {
    const [one, two] = [await started(), await started()];
    const { id } = await one.create('Doomed');
    one.chat.select(id);
    const { pid } = one.client;
    assert.ok(pid);
    process.kill(pid, 'SIGSTOP');
    await two.client.request('conversation/delete', { conversationId: id });
    process.kill(pid, 'SIGKILL');
    const expected = { type: 'notice', text: 'gone: Doomed', restorable: id };
    assert.deepEqual(await one.told('notice'), expected);
    assert.equal(one.chat.selected, null);
    // A panel that was loaded again remembers a conversation that is gone.
    await two.chat.handle('ready', { conversationId: id });
    assert.deepEqual(await two.told('notice'), expected);
  });

  it('leaves a conversation that this window deleted without a word', async () => {
    const one = await started();
    const { id } = await one.create();
    one.chat.select(id);
    await one.client.request('conversation/delete', { conversationId: id });
    await one.told('view', ({ view }) => view.conversation === null && one.chat.selected === null);
    // What the instance tells comes in order: after this, the deletion has been dealt with.
    const { id: next } = await one.client.request('conversation/create', {});
    while (!one.history.get(next)) await once(one.history.events, 'updated');
    assert.deepEqual([one.chat.selected, one.posted.some(({ type }) => type === 'notice')], [null, false]);
  });

  it('posts the rows that another window added, changed and deleted, of the shown conversation alone', async () => {
    const [one, two] = [await started(), await started()];
    const { id } = await one.create();
    const other = await one.create('Other');
    one.chat.select(id);
    const add = (conversationId: string, content: string) =>
      two.client.request('message/add', { conversationId, role: 'assistant', content });
    await add(other.id, 'elsewhere');
    const added = await add(id, 'text');
    const event = await one.told('messages');
    assert.deepEqual(event, { type: 'messages', conversationId: id, messages: [added], outdated: [], lastSeq: 1 });
    const changed = await two.client.request('message/update', { messageId: added.id, content: 'other' });
    const revision = (wanted: number) => (told: EventOf<'messages'>) => told.messages[0]?.revision === wanted;
    assert.deepEqual((await one.told('messages', revision(2))).messages, [changed]);
    const deleted = await two.client.request('message/delete', { messageId: added.id });
    assert.deepEqual((await one.told('messages', revision(3))).messages, [deleted]);
    assert.ok(one.posted.every((told) => told.type !== 'messages' || told.conversationId === id));
  });

  it('names every number of a burst, with its row or as one to be asked for', async () => {
    const [one, two] = [await started(), await started()];
    const { id: conversationId } = await one.create();
    one.chat.select(conversationId);
    const count = 60;
    const adds = Array.from({ length: count }, (_, index) =>
      two.client.request('message/add', { conversationId, role: 'assistant', content: `${index}` }),
    );
    await Promise.all(adds);
    await one.told('messages', ({ lastSeq }) => lastSeq === count);
    const named = one.posted.flatMap((told) =>
      told.type === 'messages' ? [...told.outdated, ...toRanges(told.messages.map(({ seq }) => seq))] : [],
    );
    assert.deepEqual(mergeRanges(named, []), [{ from: 1, to: count }]);
  });

  it('names every number that a reading of transcripts adds to the shown conversation', async () => {
    const { chat, client, history, posted, told } = await started();
    const [first = '', ...others] = transcriptOf(61);
    const transcript = join(clients.directory.path, 'session.jsonl');
    const read = () => client.request('ingest/import', { paths: [transcript] });
    writeFileSync(transcript, first);
    await read();
    await until(history.events, 'updated', () => history.live().length === 1);
    chat.select(history.live()[0]?.id ?? null);
    appendFileSync(transcript, others.join(''));
    await read();
    await told('messages', ({ lastSeq }) => lastSeq === 61);
    const named = posted.flatMap((event) => (event.type === 'messages' ? [event.outdated] : []));
    assert.deepEqual(named, [[{ from: 2, to: 61 }]]);
  });

  it('leaves a long message for asking', async () => {
    const [one, two] = [await started(), await started()];
    const { id: conversationId } = await one.create();
    one.chat.select(conversationId);
    await two.client.request('message/add', { conversationId, role: 'assistant', content: 'long '.repeat(5000) });
    const event = await one.told('messages');
    assert.deepEqual([event.messages, event.outdated, event.lastSeq], [[], [{ from: 1, to: 1 }], 1]);
  });

  it('goes on telling of a conversation that was shown before, of which the panel may hold messages', async () => {
    const [one, two] = [await started(), await started()];
    const [before, now] = [await one.create(), await one.create()];
    one.chat.select(before.id);
    one.chat.select(now.id);
    const add = { conversationId: before.id, role: 'user' as const, content: 'text' };
    const added = await two.client.request('message/add', add);
    assert.deepEqual((await one.told('messages')).messages, [added]);
  });

  it('says that changes may have been missed whenever the history was read anew', async () => {
    const one = await started();
    const { id } = await one.create();
    one.chat.select(id);
    const { pid } = one.client;
    assert.ok(pid);
    process.kill(pid, 'SIGKILL');
    await one.told('view', ({ view }) => view.generation === 2 && view.connection === 'ready');
  });

  describe('has the panel resync', () => {
    const setUp = async () => {
      const window = await started();
      const { id } = await window.create();
      window.chat.select(id);
      const abort = new AbortController();
      const progress: string[] = [];
      const onProgress = (fetched: number, wanted: number) => progress.push(`${fetched} of ${wanted}`);
      const resync = window.chat.resync(id, onProgress, abort.signal);
      return { ...window, id, abort, progress, resync };
    };

    it('and passes on how far it has come, and what was fetched', async () => {
      const { chat, id, posted, progress, resync } = await setUp();
      assert.deepEqual(posted.at(-1), { type: 'resync', conversationId: id });
      await chat.handle('resyncing', { conversationId: id, fetched: 1, wanted: 3 });
      const fetchedRanges = [{ from: 2, to: 4 }];
      await chat.handle('resynced', { conversationId: id, fetchedRanges, problem: null });
      assert.deepEqual([await resync, progress], [fetchedRanges, ['1 of 3']]);
    });

    it('and fails with its reason', async () => {
      const { chat, id, resync } = await setUp();
      const failed = assert.rejects(resync, /no answer/);
      await chat.handle('resynced', { conversationId: id, fetchedRanges: [], problem: 'no answer' });
      await failed;
    });

    it('until that is cancelled, or the panel goes', async () => {
      const { chat, id, posted, abort, resync } = await setUp();
      abort.abort();
      assert.deepEqual(posted.at(-1), { type: 'cancelResync', conversationId: id });
      chat.attach(undefined);
      assert.deepEqual(await resync, []);
      assert.deepEqual(await chat.resync(id, () => undefined, new AbortController().signal), []);
    });
  });

  it('deletes a message only when the user agrees', async () => {
    const { chat, client, create } = await started();
    const { id: conversationId } = await create();
    const { id: messageId } = await chat.handle('send', { conversationId, messageId: uuid(), content: 'text' });
    const deleted = async () => {
      const { messages } = await client.request('message/range', { conversationId, fromSeq: 1, toSeq: 1 });
      return messages[0]?.deletedAt !== null;
    };
    assert.deepEqual([await chat.handle('remove', { messageId }), await deleted()], [false, false]);
    assert.deepEqual([await chat.handle('remove', { messageId }), await deleted()], [true, true]);
  });

  it('focuses the composer now, or when the panel is there', async () => {
    const { chat, posted } = await started();
    const focuses = () => posted.filter(({ type }) => type === 'focus').length;
    chat.focusComposer();
    assert.equal(focuses(), 1);
    const post = async (event: PanelEvent) => posted.push(event);
    chat.attach(undefined);
    chat.focusComposer();
    assert.equal(focuses(), 1);
    chat.attach(post);
    await chat.handle('ready', { conversationId: null });
    await chat.handle('ready', { conversationId: null });
    assert.equal(focuses(), 2);
  });

  it('passes on to the editor what belongs there', async () => {
    const { chat, asked } = await started();
    await chat.handle('openLink', { text: '', url: 'https://example.org' });
    await chat.handle('copy', { text: 'text' });
    await chat.handle('useCode', { action: 'insert', text: 'code', language: 'ts' });
    await chat.handle('runCommand', { command: 'devchat.showLog' });
    assert.deepEqual(asked, ['https://example.org', 'text', 'insert', 'code', 'devchat.showLog', 'undefined']);
  });

  it('takes the panel to a message, at once or when its page runs', async () => {
    const { chat, create, posted } = await started();
    const { id } = await create();
    const jumps = () => posted.flatMap((event) => (event.type === 'jump' ? [[event.conversationId, event.seq]] : []));
    chat.select(id, { seq: 7 });
    assert.deepEqual(jumps(), []);
    await chat.handle('ready', { conversationId: null });
    assert.deepEqual(jumps(), [[id, 7]]);
    chat.select(id, { seq: 3 });
    assert.deepEqual(jumps(), [
      [id, 7],
      [id, 3],
    ]);
  });

  it('finds the messages of a conversation that have the words of a query', async () => {
    const { chat, client, create } = await started();
    const [{ id }, other] = [await create('One'), await create('Two')];
    for (const conversationId of [id, other.id, id]) {
      await client.request('message/add', { conversationId, role: 'user', content: 'needle and more' });
    }
    await client.request('message/add', { conversationId: id, role: 'user', content: 'none' });
    const found = await chat.handle('find', { conversationId: id, query: 'need' });
    assert.deepEqual(found, { seqs: [1, 2], total: 2 });
  });

  it('sends the panel what is folded without its text, until that is asked for', async () => {
    const { chat, client, create, told } = await started();
    const { id: conversationId } = await create();
    chat.select(conversationId);
    const output = 'x'.repeat(10_000);
    const parts = [{ type: 'tool-result', id: 'c', output }];
    await client.request('message/add', { conversationId, role: 'tool', content: 'beginning', parts });
    const event = await told('messages', ({ messages }) => messages.length > 0);
    const { messages } = await chat.handle('range', { conversationId, fromSeq: 1, toSeq: 1 });
    assert.deepEqual(messages, event.messages);
    assert.ok(JSON.stringify(messages).length < 2000);
    assert.deepEqual(await chat.handle('part', { conversationId, seq: 1, index: 0 }), { text: output });
    assert.deepEqual(await chat.handle('part', { conversationId, seq: 2, index: 0 }), { text: '' });
  });
});
