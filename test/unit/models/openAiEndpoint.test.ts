import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, it } from 'mocha';
import { type Endpoint, openAiEndpoint } from '../../../src/models/openAiEndpoint.ts';
import { DevChatError, type Reason } from '../../../src/protocol/errors.ts';
import {
  type Behaviour,
  begin,
  breaking,
  chunk,
  DONE,
  FakeModelServer,
  hanging,
  json,
  sse,
  streaming,
} from '../../support/fakeModelServer.ts';
import { useTempDirectory } from '../../support/tempDirectory.ts';

const KEY = 'sk-secret-0123456789';
const messages = [{ role: 'user' as const, content: 'Say hello.' }];

describe('endpoint that speaks OpenAI’s chat completions', () => {
  const directory = useTempDirectory();

  async function start(settings: Partial<Endpoint> = {}, { key = KEY, patience = 10_000 } = {}) {
    const server = await FakeModelServer.start(directory);
    const origins: string[] = [];
    const keyFor = async (origin: string) => {
      origins.push(origin);
      return key;
    };
    const endpoint = openAiEndpoint({ name: 'My Server', baseUrl: server.baseUrl, ...settings }, { keyFor, patience });
    const abort = new AbortController();
    const reply = async (modelId = 'my server/small') => {
      const pieces: string[] = [];
      for await (const piece of endpoint.reply({ modelId, messages }, abort.signal)) pieces.push(piece);
      return pieces;
    };
    const answered = (behaviour: Behaviour) => {
      server.behaviour = behaviour;
      return reply();
    };
    return { server, endpoint, origins, abort, reply, answered };
  }

  it('is asked for a stream, with the model’s own name, and hands out the pieces of its answer', async () => {
    const { server, origins, reply } = await start();
    assert.deepEqual(await reply('my server/org/large:latest'), ['Hello', ' there']);
    const [asked] = server.asked;
    assert.deepEqual(asked?.body, { model: 'org/large:latest', messages, stream: true });
    assert.equal(asked?.headers.authorization, `Bearer ${KEY}`);
    assert.deepEqual(origins, [`http://${server.host}`]);
  });

  it('lists its models with what they take, leaving room for the answer', async () => {
    const { endpoint } = await start();
    assert.deepEqual(await endpoint.models(AbortSignal.timeout(5000)), [
      { id: 'my server/small', name: 'small', provider: 'My Server', maxInputTokens: null },
      { id: 'my server/org/large:latest', name: 'org/large:latest', provider: 'My Server', maxInputTokens: 3000 },
    ]);
  });

  it('is not asked for its models when the settings name them', async () => {
    const { endpoint, server } = await start({ models: ['own'], maxInputTokens: 9 });
    const expected = [{ id: 'my server/own', name: 'own', provider: 'My Server', maxInputTokens: 9 }];
    assert.deepEqual(await endpoint.models(AbortSignal.timeout(5000)), expected);
    assert.deepEqual(server.asked, []);
  });

  it('sends no key where there is none', async () => {
    const { server, reply } = await start({}, { key: '' });
    await reply();
    assert.equal(server.asked[0]?.headers.authorization, undefined);
  });

  for (const path of ['', '/', '/v1/']) {
    it(`is found at an address that ends in “${path}”`, async () => {
      const server = await FakeModelServer.start(directory);
      const baseUrl = `http://${server.host}${path}`;
      const endpoint = openAiEndpoint({ name: 'x', baseUrl }, { keyFor: async () => undefined });
      assert.equal((await endpoint.models(AbortSignal.timeout(5000))).length, 2);
      assert.equal(server.asked[0]?.path, '/v1/models');
    });
  }

  for (const baseUrl of [
    'nonsense',
    'ftp://host/v1',
    'http://user:hunter2@127.0.0.1/v1',
    'http://127.0.0.1/v1?key=hunter2',
  ]) {
    it(`is not asked at ${baseUrl}, and the error does not repeat that`, async () => {
      const { reply } = await start({ baseUrl });
      await assert.rejects(reply(), (error) => fails(error, 'no-model', /settings/) && !/hunter2/.test(String(error)));
    });
  }

  const whole: [what: string, behaviour: Behaviour, text: string][] = [
    ['without its end mark', streaming(chunk('all'), chunk('', 'stop')), 'all'],
    ['without a reason for its end', streaming(chunk('all'), DONE), 'all'],
    ['with comments and signs of life', streaming(': ping\n\n', sse(''), chunk('all'), ': ping\n\n', DONE), 'all'],
    [
      'with usage and nothing else at the end',
      streaming(chunk('all', 'stop'), sse('{"choices":[],"usage":{}}'), DONE),
      'all',
    ],
    ['with an empty reason while it goes on', streaming(chunk('a', ''), chunk('ll', ''), DONE), 'all'],
    ['with events of another line end', streaming(`${chunk('all')}${DONE}`.replaceAll('\n', '\r\n')), 'all'],
    ['with empty errors', streaming(sse('{"error":null,"choices":[{"delta":{"content":"all"}}]}'), DONE), 'all'],
  ];
  for (const [what, behaviour, text] of whole) {
    it(`takes an answer ${what}`, async () => {
      const { answered } = await start();
      assert.equal((await answered(behaviour)).join(''), text);
    });
  }

  it('takes an answer that comes byte by byte', async () => {
    const { answered } = await start();
    const dribble: Behaviour = async (response) => {
      begin(response);
      for (const byte of Buffer.from(`${chunk('wörld 🙂')}${DONE}`)) {
        await new Promise((resolve) => response.write(Uint8Array.of(byte), resolve));
      }
      response.end();
    };
    assert.equal((await answered(dribble)).join(''), 'wörld 🙂');
  });

  const error = (message: string, code?: string) => ({ error: { message, code } });
  const failures: [what: string, behaviour: Behaviour, reason: Reason, text: RegExp][] = [
    ['a wrong key', json(401, error('bad key')), 'refused', /API key.*“bad key”/],
    ['a model that is not allowed', json(403, 'forbidden'), 'refused', /API key/],
    ['an unknown model', json(404, error('no such model')), 'no-model', /Choose another model.*“no such model”/],
    ['too many requests', json(429, error('slow down'), { 'retry-after': '7' }), 'quota', /Retry in 7 s/],
    ['too many requests, with no time named', json(429, error('slow down')), 'quota', /Retry in a while/],
    ['an empty account', json(429, error('pay', 'insufficient_quota')), 'quota', /plan/],
    ['a prompt that is too long', json(400, error('8193 tokens', 'context_length_exceeded')), 'too-large', /too long/],
    ['a failing service', json(500, 'Oops'), 'model-failed', /HTTP 500.*Retry/],
    ['another kind of error', json(400, { error: 'plain words' }), 'model-failed', /“plain words”/],
    ['a page instead of an answer', json(200, '<html>'), 'model-failed', /OpenAI-compatible.*\/v1/],
    [
      'an error in the middle',
      streaming(chunk('a'), sse(JSON.stringify(error('out of memory')))),
      'model-failed',
      /“out of memory”/,
    ],
    [
      'an error in the middle, in words',
      streaming(chunk('a'), sse('{"error":"rendering failed"}')),
      'model-failed',
      /“rendering/,
    ],
    [
      'an error in the middle, as an object',
      streaming(sse('{"object":"error","message":"no","code":429}')),
      'quota',
      /“no”/,
    ],
    [
      'an error at the end, without its line',
      streaming(`data: ${JSON.stringify(error('late'))}`),
      'model-failed',
      /“late”/,
    ],
    ['what is no JSON', streaming(chunk('a'), sse('{"choices":[')), 'model-failed', /cannot be read/],
    ['JSON of another form', streaming(sse('{"tokens":[]}')), 'model-failed', /cannot be read/],
    ['a connection that breaks', breaking('half of'), 'cut-off', /broke.*Retry/],
    ['an end without an end', streaming(chunk('half of')), 'cut-off', /broke/],
    ['the model’s limit', streaming(chunk('half of', 'length'), DONE), 'cut-off', /limit.*go on/],
    ['withheld content', streaming(chunk('half of', 'content_filter'), DONE), 'refused', /withheld/],
  ];
  for (const [what, behaviour, reason, text] of failures) {
    it(`says ${reason} of ${what}`, async () => {
      const { answered } = await start();
      await assert.rejects(answered(behaviour), (thrown) => fails(thrown, reason, text));
    });
  }

  it('says offline when nobody listens', async () => {
    const { server, reply } = await start();
    const { host } = server;
    await server.close();
    await assert.rejects(reply(), (thrown) => fails(thrown, 'offline', new RegExp(`${host}.*retry`)));
  });

  it('is not followed to where it sends the request on', async () => {
    const { answered } = await start();
    const other = await FakeModelServer.start(directory);
    const redirection = json(307, '', { location: `${other.baseUrl}/chat/completions` });
    await assert.rejects(answered(redirection), (thrown) => fails(thrown, 'offline', /cannot be reached/));
    assert.deepEqual(other.asked, []);
  });

  it('reads a date as the time to wait', async () => {
    const { answered } = await start();
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    const limited = json(429, error('slow down'), { 'retry-after': date });
    await assert.rejects(answered(limited), (thrown) => fails(thrown, 'quota', /Retry in 3\d\d\d s/));
  });

  it('hands out what came before the connection broke', async () => {
    const { server, endpoint, abort } = await start();
    server.behaviour = breaking('half', ' of');
    const pieces: string[] = [];
    await assert.rejects(async () => {
      for await (const piece of endpoint.reply({ modelId: 'my server/small', messages }, abort.signal))
        pieces.push(piece);
    });
    assert.equal(pieces.join(''), 'half of');
  });

  for (const [what, behaviour] of [
    ['before its answer', () => undefined],
    ['in the middle', hanging('half of')],
  ] as [string, Behaviour][]) {
    it(`is let go when it stays silent ${what}`, async () => {
      const { server, answered } = await start({}, { patience: 50 });
      const closed = server.closed();
      await assert.rejects(answered(behaviour), (thrown) => fails(thrown, 'cut-off', /Retry/));
      assert.equal(await closed, false);
    });

    it(`loses the connection when it is stopped ${what}`, async () => {
      const { server, answered, abort } = await start();
      const closed = server.closed();
      const stopped = new Error('stopped');
      const answer = answered(behaviour);
      void server.chat().then(() => abort.abort(stopped));
      await assert.rejects(answer, stopped);
      assert.equal(await closed, false);
    });
  }

  it('loses the connection when nobody wants more', async () => {
    const { server, endpoint, abort } = await start();
    server.behaviour = hanging('first', 'second');
    const closed = server.closed();
    for await (const piece of endpoint.reply({ modelId: 'my server/small', messages }, abort.signal)) {
      assert.equal(piece, 'first');
      break;
    }
    assert.equal(await closed, false);
  });

  it('is not waited for while it connects, once it is stopped', async () => {
    const { abort, reply } = await start({ baseUrl: `http://${await deafHost()}/v1` });
    const answer = reply();
    abort.abort(new Error('stopped'));
    await assert.rejects(answer, /stopped/);
  });

  const leaks: [what: string, behaviour: Behaviour][] = [
    ['in its error', json(401, error(`wrong: ${KEY}`))],
    ['in the middle of an answer', streaming(sse(JSON.stringify(error(`wrong: ${KEY}`))))],
  ];
  for (const [what, behaviour] of leaks) {
    it(`does not give away the key that the service repeats ${what}`, async () => {
      const { answered } = await start();
      await assert.rejects(answered(behaviour), (thrown) => {
        assert.ok(thrown instanceof DevChatError);
        assert.match(thrown.message, /wrong/);
        return !JSON.stringify([thrown.message, thrown.stack, String(thrown.cause)]).includes(KEY);
      });
    });
  }

  it('does not give away a key that cannot be sent', async () => {
    const { reply } = await start({}, { key: 'sk-geheim\nß' });
    await assert.rejects(
      reply(),
      (thrown) => fails(thrown, 'refused', /Enter it again/) && !/geheim/.test(String(thrown)),
    );
  });

  /** A host whose connections are accepted and never answered. */
  async function deafHost(): Promise<string> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    directory.defer(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
});

function fails(error: unknown, reason: Reason, text: RegExp): boolean {
  assert.ok(error instanceof DevChatError, String(error));
  assert.equal(error.reason, reason, error.message);
  assert.match(error.message, text);
  return true;
}
