import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'mocha';
import { openAiEndpoint } from '../../../src/models/openAiEndpoint.ts';
import { Replies } from '../../../src/models/replies.ts';
import type { Message } from '../../../src/protocol/model.ts';
import { readParts } from '../../../src/protocol/parts.ts';
import type { Params } from '../../../src/protocol/rpc.ts';
import { titleFrom } from '../../../src/protocol/title.ts';
import { type TestClient, useClients } from '../../support/clients.ts';
import {
  answering,
  type Behaviour,
  begin,
  breaking,
  chunk,
  DONE,
  FakeModelServer,
  hanging,
  json,
} from '../../support/fakeModelServer.ts';

const KEY = 'sk-secret-0123456789';
const modelId = 'fake/small';

describe('replies of a model', () => {
  const clients = useClients();

  /** A window with a model, and what it logs. */
  async function open(server: FakeModelServer, windowName = 'Editor A') {
    const window = await clients.start();
    const { client } = window;
    const titles = new Map<string, string>();
    client.events.on('change', ({ conversations }) => {
      for (const { id, title } of conversations) titles.set(id, title);
    });
    const log: string[] = [];
    const endpoint = { name: 'Fake', baseUrl: server.baseUrl, maxInputTokens: 2000 };
    const replies = new Replies({
      client,
      providers: () => [openAiEndpoint(endpoint, { keyFor: async () => KEY })],
      windowName,
      titleOf: (id) => titles.get(id),
      log: (level, text) => log.push(`${level} ${text}`),
    });
    clients.directory.defer(() => replies.dispose());
    return { ...window, replies, titles, log, rows: rowsOf(window) };
  }

  async function start(title = 'Named by the user') {
    const server = await FakeModelServer.start(clients.directory);
    const window = await open(server);
    const { id: conversationId } = await window.client.request('conversation/create', { title });
    const ask = (content: string, parts?: object) =>
      window.client.request('message/add', { conversationId, role: 'user', content, parts });
    const range = { conversationId, fromSeq: 1, toSeq: 500 };
    const stored = async () => (await window.client.request('message/range', range)).messages;
    /** Asks, and lets the server answer like this. */
    const answered = async (behaviour: Behaviour) => {
      server.behaviour = behaviour;
      const question = await ask('Why?');
      await window.replies.run({ question, modelId });
      return (await stored()).at(-1) ?? assert.fail();
    };
    return { ...window, server, conversationId, ask, stored, answered };
  }

  it('grow in a new message, which follows the question and names model and window', async () => {
    const { client, answered, stored } = await start();
    const reply = await answered(answering('Because', ' it 🙂 is.'));
    const [question] = await stored();
    assert.deepEqual(
      [reply.role, reply.content, reply.status, reply.model],
      ['assistant', 'Because it 🙂 is.', 'complete', modelId],
    );
    assert.deepEqual(reply.parts, {
      replyTo: question?.id,
      runBy: { instanceId: client.session?.instanceId, name: 'Editor A' },
      prompt: { fromSeq: 1, messages: 1 },
    });
  });

  it('keep a character whole that the model sends in two pieces', async () => {
    const { client, answered } = await start();
    const pieces = appendedBy(client);
    assert.equal((await answered(answering('a \ud83d', '\ude42 b'))).content, 'a 🙂 b');
    assert.deepEqual(pieces, ['a ', '🙂 b']);
  });

  it('are asked for with the talk that led up to them, and what was attached', async () => {
    const { ask, answered, server } = await start();
    await ask('First.', { attachments: [{ kind: 'terminal', name: 'zsh', text: 'out', omitted: 0 }] });
    await answered(answering('Because.'));
    assert.deepEqual(server.chats.at(-1)?.body.messages, [
      { role: 'user', content: 'Output of the terminal “zsh”:\n```\nout\n```\n\nFirst.\n\nWhy?' },
    ]);
    await answered(answering('Still.'));
    assert.deepEqual(
      server.chats.at(-1)?.body.messages.map(({ role }) => role),
      ['user', 'assistant', 'user'],
    );
  });

  it('are asked for with no more of a long talk than the model takes', async () => {
    const { ask, answered, server } = await start();
    for (let index = 0; index < 130; index++) await ask(`${index} ${'long '.repeat(20)}`);
    const { parts, seq } = await answered(answering('Yes.'));
    const { fromSeq = 0, messages = 0 } = readParts(parts).prompt ?? {};
    assert.equal(messages, seq - fromSeq);
    const [sent] = server.chats.at(-1)?.body.messages ?? [];
    assert.ok(sent?.content.startsWith(`${fromSeq - 1} long`) && sent.content.length / 3 <= 2000);
    assert.ok(fromSeq > 50);
  });

  it('are in the history, empty, before the request leaves', async () => {
    const { answered, stored } = await start();
    let before: Message[] = [];
    await answered(async (response, asked) => {
      before = await stored();
      await answering('ok')(response, asked);
    });
    assert.deepEqual(
      before.map(({ role, status, content }) => [role, status, content]),
      [
        ['user', 'complete', 'Why?'],
        ['assistant', 'streaming', ''],
      ],
    );
    const { replyTo, runBy } = readParts(before[1]?.parts);
    assert.deepEqual([replyTo, runBy?.name], [before[0]?.id, 'Editor A']);
  });

  it('appear in another window while they come', async () => {
    const { server, ask, replies } = await start();
    const other = await open(server, 'Editor B');
    server.behaviour = hanging('Becau');
    const question = await ask('Why?');
    const run = replies.run({ question, modelId });
    const [{ text }] = await once(other.client.events, 'stream');
    assert.equal(text, 'Becau');
    await replies.dispose();
    await run;
  });

  it('are stopped by their own window: the request ends, and what came stays', async () => {
    const { server, ask, replies, rows, stored } = await start();
    server.behaviour = hanging('half of');
    const closed = server.closed();
    const run = replies.run({ question: await ask('Why?'), modelId });
    await replies.stop(await rows(({ content }) => content === 'half of'));
    await run;
    assert.equal(await closed, false);
    const reply = (await stored()).at(-1);
    assert.deepEqual(
      [reply?.status, reply?.content, readParts(reply?.parts).stopped],
      ['interrupted', 'half of', true],
    );
  });

  it('are stopped by any window, long ones too: the request ends, and what came stays', async () => {
    const { server, ask, replies, stored } = await start();
    const other = await open(server, 'Editor B');
    const long = 'long '.repeat(10_000);
    server.behaviour = hanging(long);
    const closed = server.closed();
    const run = replies.run({ question: await ask('Why?'), modelId });
    const [{ messageId: id, conversationId }] = await once(other.client.events, 'stream');
    while ((await stored()).at(-1)?.content === '') await once(other.client.events, 'change');
    await other.replies.stop({ id, conversationId, seq: 2 });
    await run;
    assert.equal(await closed, false);
    const reply = (await stored()).at(-1);
    assert.deepEqual([reply?.status, reply?.content, readParts(reply?.parts).stopped], ['interrupted', long, true]);
    assert.equal(readParts(reply?.parts).runBy?.name, 'Editor A');
  });

  it('stay as they are when they are stopped after their end', async () => {
    const { answered, replies, stored } = await start();
    const reply = await answered(answering('Done.'));
    await replies.stop(reply);
    assert.deepEqual((await stored()).at(-1), reply);
  });

  it('end with their message, when another window deletes it', async () => {
    const { server, ask, replies, stored, log } = await start();
    const other = await open(server);
    server.behaviour = hanging('unwanted');
    const closed = server.closed();
    const run = replies.run({ question: await ask('Why?'), modelId });
    const [{ messageId }] = await once(other.client.events, 'stream');
    await other.client.request('message/delete', { messageId });
    await run;
    assert.equal(await closed, false);
    assert.equal((await stored()).at(-1)?.content, '');
    assert.deepEqual(log, [`warn replies: ${modelId} did not answer to the end (deleted)`]);
  });

  it('end with their conversation, though the model says nothing', async () => {
    const { client, server, ask, replies, conversationId } = await start();
    server.behaviour = hanging();
    const closed = server.closed();
    const run = replies.run({ question: await ask('Why?'), modelId });
    await server.chat();
    await client.request('conversation/delete', { conversationId });
    await run;
    assert.equal(await closed, false);
  });

  const ends: [what: string, behaviour: Behaviour, status: string, reason: string, content: string][] = [
    ['that is refused', json(401, { error: { message: `bad ${KEY}` } }), 'error', 'refused', ''],
    ['of an unknown model', json(404, {}), 'error', 'no-model', ''],
    ['over the quota', json(429, {}, { 'retry-after': '3' }), 'error', 'quota', ''],
    ['of a broken service', json(500, 'Oops'), 'error', 'model-failed', ''],
    ['that is cut off', breaking('half of'), 'interrupted', 'cut-off', 'half of'],
    ['without a word', answering(), 'error', 'model-failed', ''],
  ];
  for (const [what, behaviour, status, reason, content] of ends) {
    it(`say what to do: one ${what}`, async () => {
      const { answered, log } = await start();
      const reply = await answered(behaviour);
      const { failure, replyTo } = readParts(reply.parts);
      assert.deepEqual([reply.status, failure?.reason, reply.content], [status, reason, content]);
      assert.match(failure?.message ?? '', /[Rr]etry|[Cc]hoose/);
      assert.ok(replyTo);
      assert.ok(!JSON.stringify([reply, log]).includes(KEY));
    });
  }

  it('say what to do when the service is not there, or the model unknown here', async () => {
    const { server, ask, replies, stored } = await start();
    const question = await ask('Why?');
    await replies.run({ question, modelId: 'elsewhere/model' });
    await server.close();
    await replies.run({ question, modelId });
    const failures = (await stored()).slice(1).map(({ status, parts }) => [status, readParts(parts).failure?.reason]);
    assert.deepEqual(failures, [
      ['error', 'no-model'],
      ['error', 'offline'],
    ]);
  });

  it('say that the question is too long for the model, and send nothing', async () => {
    const { server, ask, replies, stored } = await start();
    await replies.run({ question: await ask('long '.repeat(2000)), modelId });
    assert.equal(readParts((await stored()).at(-1)?.parts).failure?.reason, 'too-large');
    assert.deepEqual(server.chats, []);
  });

  it('are cut off when they never end', async () => {
    const { answered, server } = await start();
    const closed = server.closed();
    const reply = await answered((response) => {
      begin(response);
      const again = () =>
        void response.write(chunk('again and '.repeat(10_000)), (error) => error || setImmediate(again));
      again();
    });
    assert.equal(await closed, false);
    assert.deepEqual([reply.status, readParts(reply.parts).failure?.reason], ['interrupted', 'cut-off']);
    assert.ok(reply.content.length > 1_000_000 && reply.content.length < 1_500_000);
  });

  it('can be asked for again: what leads up to the new one is without the old', async () => {
    const { server, answered, replies, stored } = await start();
    const first = await answered(answering('One.'));
    const [question = assert.fail()] = await stored();
    await replies.run({ question, modelId, alternativeOf: first.id });
    const second = (await stored()).at(-1);
    assert.equal(readParts(second?.parts).alternativeOf, first.id);
    assert.deepEqual(server.chats.at(-1)?.body.messages, [{ role: 'user', content: 'Why?' }]);
  });

  it('to an edited question are asked for without what followed on the old one', async () => {
    const { server, ask, answered, replies, stored } = await start();
    await answered(answering('One.'));
    const [{ id: alternativeOf } = assert.fail()] = await stored();
    await replies.run({ question: await ask('Why not?', { alternativeOf }), modelId });
    assert.deepEqual(server.chats.at(-1)?.body.messages, [{ role: 'user', content: 'Why not?' }]);
  });

  it('go on where the history has them when the instance is killed in the middle', async () => {
    const { server, ask, replies, stored, children, rows } = await start();
    const killed = Promise.withResolvers<void>();
    server.behaviour = async (response) => {
      begin(response).write(chunk('before '));
      await killed.promise;
      response.end(`${chunk('after 🙂')}${DONE}`);
    };
    const run = replies.run({ question: await ask('Why?'), modelId });
    await rows(({ content }) => content === 'before ');
    children[0]?.kill('SIGKILL');
    killed.resolve();
    await run;
    const messages = await stored();
    assert.deepEqual(
      messages.map(({ content, status }) => [content, status]),
      [
        ['Why?', 'complete'],
        ['before after 🙂', 'complete'],
      ],
    );
  });

  it('reach the history in few pieces, however many the model sends', async () => {
    const { client, answered } = await start();
    const pieces = appendedBy(client);
    const started = performance.now();
    const reply = await answered(async (response) => {
      begin(response);
      for (let round = 0; round < 20; round++) {
        const shown = once(client.events, 'stream');
        for (let word = 0; word < 100; word++) response.write(chunk('word '));
        await shown;
      }
      response.end(DONE);
    });
    const most = 3 + (performance.now() - started) / 33;
    assert.equal(reply.content, 'word '.repeat(2000));
    assert.ok(pieces.length <= most, `${pieces.length} pieces`);
  });

  it('are interrupted, with all their text, when the window closes', async () => {
    const { server, ask, replies, rows, stored } = await start();
    server.behaviour = hanging('all of it');
    const run = replies.run({ question: await ask('Why?'), modelId });
    await rows(({ content }) => content === 'all of it');
    await replies.dispose();
    await run;
    const reply = (await stored()).at(-1);
    assert.deepEqual([reply?.status, reply?.content], ['interrupted', 'all of it']);
    assert.deepEqual(Object.keys(readParts(reply?.parts)), ['replyTo', 'runBy', 'prompt']);
  });

  it('fail to begin in a conversation that was deleted', async () => {
    const { client, conversationId, ask, replies, server } = await start();
    const question = await ask('Why?');
    await client.request('conversation/delete', { conversationId });
    await assert.rejects(replies.run({ question, modelId }), { reason: 'deleted' });
    assert.deepEqual(server.asked, []);
  });

  describe('to a first question', () => {
    const naming: Behaviour = (response, asked) => {
      const isTitle = asked.body.messages[0]?.content.includes('title');
      return answering(isTitle ? '“A Fine Title”' : 'Because.')(response, asked);
    };

    it('give the conversation its title', async () => {
      const { client, answered, conversationId, titles } = await start(titleFrom('Why?'));
      await answered(naming);
      while (titles.get(conversationId) !== 'A Fine Title') await once(client.events, 'change');
    });

    it('leave a title alone that the user gives meanwhile', async () => {
      const { client, answered, conversationId, titles, server } = await start(titleFrom('Why?'));
      await answered(async (response, asked) => {
        if (server.chats.length > 1) {
          await client.request('conversation/rename', { conversationId, title: 'Mine' });
          while (titles.get(conversationId) !== 'Mine') await once(client.events, 'change');
        }
        await naming(response, asked);
      });
      assert.equal(server.chats.length, 2);
      await client.request('sync/status', {});
      assert.equal(titles.get(conversationId), 'Mine');
    });

    it('leave the first words as the title when the model gives none', async () => {
      const { client, answered, conversationId, titles, server, log } = await start(titleFrom('Why?'));
      await answered((response, asked) =>
        (server.chats.length > 1 ? json(500, {}) : answering('Because.'))(response, asked),
      );
      assert.equal(server.chats.length, 2);
      assert.deepEqual(log, ['info replies: a conversation kept its first words as its title (model-failed)']);
      await client.request('sync/status', {});
      assert.equal(titles.get(conversationId), 'Why?');
    });

    it('ask for no title when the user has given one', async () => {
      const { answered, server } = await start();
      await answered(naming);
      assert.equal(server.chats.length, 1);
    });
  });
});

/** Waits for a row of a message that fits, as changes bring it. */
function rowsOf({ client }: TestClient) {
  return async (fits: (message: Message) => boolean): Promise<Message> => {
    for (;;) {
      const [{ messages }] = await once(client.events, 'change');
      const found = messages.find(fits);
      if (found) return found;
    }
  };
}

/** Collects the pieces of text that a client sends. */
function appendedBy(client: TestClient['client']): string[] {
  const pieces: string[] = [];
  const { request } = client;
  client.request = (method, params) => {
    if (method === 'stream/append') pieces.push((params as Params<'stream/append'>).text);
    return request.call(client, method, params) as never;
  };
  return pieces;
}
