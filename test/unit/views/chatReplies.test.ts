import assert from 'node:assert/strict';
import { once } from 'node:events';
import { v7 as uuid } from 'uuid';
import type { InstanceClient } from '../../../src/instance/client/instanceClient.ts';
import { listModels } from '../../../src/models/catalog.ts';
import { openAiEndpoint } from '../../../src/models/openAiEndpoint.ts';
import { Replies } from '../../../src/models/replies.ts';
import { MAX_ATTACHMENT, MAX_ATTACHMENTS, terminalAttachment } from '../../../src/protocol/attachments.ts';
import type { Message } from '../../../src/protocol/model.ts';
import { readParts } from '../../../src/protocol/parts.ts';
import { useChatWindows } from '../../support/chatWindow.ts';
import { useClients } from '../../support/clients.ts';
import { hasReason } from '../../support/database.ts';
import { answering, FakeModelServer, hanging } from '../../support/fakeModelServer.ts';

const model = 'fake/small';

describe('a chat that asks models', () => {
  const clients = useClients();
  const { started } = useChatWindows(clients);

  /** A window whose models the server runs. */
  async function open(server: FakeModelServer) {
    const made: Replies[] = [];
    const modelsOf = (client: InstanceClient) => {
      const providers = () => [
        openAiEndpoint({ name: 'Fake', baseUrl: server.baseUrl }, { keyFor: async () => undefined }),
      ];
      const ports = { windowName: 'Test', titleOf: () => 'Talk', log: () => undefined };
      const [replies = new Replies({ client, providers, ...ports })] = made;
      if (made.length === 0) made.push(replies);
      const list = () => listModels(providers());
      return { list, run: replies.run.bind(replies), stop: replies.stop.bind(replies) };
    };
    const window = await started(modelsOf);
    clients.directory.defer(async () => void (await made[0]?.dispose()));
    const conversationId = (await window.create()).id;
    const stored = async (id = conversationId) =>
      (await window.client.request('message/range', { conversationId: id, fromSeq: 1, toSeq: 100 })).messages;
    /** Waits until a message of the conversation is as wanted. */
    const reached = async (fits: (message: Message) => boolean, id = conversationId) => {
      for (;;) {
        const changed = once(window.client.events, 'change');
        const found = (await stored(id)).find(fits);
        if (found) return found;
        await changed;
      }
    };
    const send = (content: string, rest = {}) =>
      window.chat.handle('send', { conversationId, messageId: uuid(), content, model, ...rest });
    return { ...window, conversationId, stored, reached, send };
  }

  const isAnswer = ({ role, status }: Message) => role === 'assistant' && status !== 'streaming';

  it('has a message on the disk before the request leaves, and the answer follows it', async () => {
    const server = await FakeModelServer.start(clients.directory);
    const { send, stored, reached } = await open(server);
    let before: Message[] = [];
    server.behaviour = async (response, asked) => {
      before = await stored();
      await answering('Because.')(response, asked);
    };
    const question = await send('Why?');
    const reply = await reached(isAnswer);
    assert.deepEqual(before[0], question);
    assert.deepEqual([question.model, reply.model, reply.content], [model, model, 'Because.']);
    assert.equal(readParts(reply.parts).replyTo, question.id);
  });

  it('asks nobody without a model, whatever is mentioned', async () => {
    const server = await FakeModelServer.start(clients.directory);
    const { send, stored } = await open(server);
    await send('A note on #file:a.ts', { model: undefined });
    assert.deepEqual(
      (await stored()).map(({ model: asked, parts }) => [asked, parts]),
      [[null, null]],
    );
    assert.deepEqual(server.asked, []);
  });

  it('asks once, though the panel sends a message again because the answer got lost', async () => {
    const server = await FakeModelServer.start(clients.directory);
    const { send, stored, reached } = await open(server);
    const messageId = uuid();
    await send('Why?', { messageId });
    await send('Why?', { messageId });
    await reached(isAnswer);
    assert.deepEqual([(await stored()).length, server.chats.length], [2, 1]);
  });

  it('keeps with a message what is attached and mentioned, which the model gets', async () => {
    const server = await FakeModelServer.start(clients.directory);
    const { send, reached } = await open(server);
    const attachments = [terminalAttachment('zsh', 'it failed')];
    const replyTo = uuid();
    const { parts } = await send('Why? See #file:a.ts.', { attachments, replyTo });
    const mentioned = { kind: 'file', path: 'a.ts', language: '', text: 'text of a.ts', omitted: 0 };
    assert.deepEqual(parts, { replyTo, attachments: [...attachments, mentioned] });
    await reached(isAnswer);
    assert.match(server.chats[0]?.body.messages[0]?.content ?? '', /it failed[\s\S]*text of a\.ts[\s\S]*Why\?/);
  });

  it('attaches what is mentioned as it is now, in place of what it was', async () => {
    const server = await FakeModelServer.start(clients.directory);
    const { send } = await open(server);
    const before = { kind: 'file', path: 'a.ts', language: '', text: 'old', omitted: 0 };
    const { parts } = await send('#file:a.ts', { attachments: [before] });
    assert.deepEqual(
      readParts(parts).attachments?.map(({ text }) => text),
      ['text of a.ts'],
    );
  });

  it('stores nothing when something mentioned is not there, or is too much', async () => {
    const server = await FakeModelServer.start(clients.directory);
    const { send, stored } = await open(server);
    await assert.rejects(send('See #problems'), hasReason('bad-request'));
    const much = Array.from({ length: MAX_ATTACHMENTS / MAX_ATTACHMENT }, (_, index) =>
      terminalAttachment(`${index}`, 'x'.repeat(MAX_ATTACHMENT)),
    );
    await assert.rejects(send('See #file:a.ts', { attachments: much }), hasReason('too-large'));
    assert.deepEqual([await stored(), server.asked], [[], []]);
  });

  it('has a question answered once more, as another version', async () => {
    const server = await FakeModelServer.start(clients.directory);
    const { chat, send, reached, conversationId } = await open(server);
    const { seq } = await send('Why?');
    const first = await reached(isAnswer);
    await chat.handle('reply', { conversationId, seq, model, alternativeOf: first.id });
    const second = await reached((message) => isAnswer(message) && message.id !== first.id);
    assert.equal(readParts(second.parts).alternativeOf, first.id);
  });

  it('stops a reply that another window runs', async () => {
    const server = await FakeModelServer.start(clients.directory);
    const [one, two] = [await open(server), await open(server)];
    server.behaviour = hanging('half of');
    await one.send('Why?');
    const { id, seq, conversationId } = await one.reached(({ content }) => content === 'half of');
    await two.chat.handle('stop', { id, seq, conversationId });
    const { status, parts } = await one.reached(isAnswer);
    assert.deepEqual([status, readParts(parts).stopped], ['interrupted', true]);
  });

  it('says so when the history cannot take a reply', async () => {
    const server = await FakeModelServer.start(clients.directory);
    const { chat, client, send, told, conversationId, reached } = await open(server);
    const { seq } = await send('Why?');
    await reached(isAnswer);
    await client.request('conversation/delete', { conversationId });
    await chat.handle('reply', { conversationId, seq, model });
    assert.match((await told('notice')).text, /deleted|bin/);
  });

  it('remembers the model that was chosen last, for new conversations', async () => {
    const server = await FakeModelServer.start(clients.directory);
    const { chat, told } = await open(server);
    assert.deepEqual(await chat.handle('selectModel', { current: null }), { model });
    assert.equal((await told('view', ({ view }) => view.lastModel !== null)).view.lastModel, model);
    assert.equal(await chat.handle('selectModel', { current: model }), null);
  });

  it('finds out whether a model is on offer when its panel is there, not before', async () => {
    const server = await FakeModelServer.start(clients.directory);
    const { chat } = await open(server);
    chat.attach(undefined);
    await chat.lookForModels();
    assert.equal((await chat.handle('ready', { conversationId: null })).hasModel, null);
  });

  it('hands attachments and wishes to the panel when its page runs', async () => {
    const server = await FakeModelServer.start(clients.directory);
    const { chat, posted } = await open(server);
    const attachment = terminalAttachment('zsh', 'text');
    const waiting = () => posted.filter(({ type }) => type === 'attach' || type === 'selectModel');
    chat.addAttachment(attachment);
    chat.selectModel();
    assert.deepEqual(waiting(), []);
    await chat.handle('ready', { conversationId: null });
    chat.addAttachment(attachment);
    const attach = { type: 'attach', attachment };
    assert.deepEqual(waiting(), [attach, { type: 'selectModel' }, attach]);
  });
});
