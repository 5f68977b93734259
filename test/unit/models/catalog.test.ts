import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { findModel, listModels, modelProviders } from '../../../src/models/catalog.ts';
import { localEndpoint, wellKnownEndpoints } from '../../../src/models/localEndpoints.ts';
import { openAiEndpoint } from '../../../src/models/openAiEndpoint.ts';
import type { ModelProvider } from '../../../src/models/provider.ts';
import { FakeModelServer, hanging, json } from '../../support/fakeModelServer.ts';
import { useTempDirectory } from '../../support/tempDirectory.ts';

const ports = { keyFor: async () => undefined };

const editor: ModelProvider = {
  id: 'editor',
  name: 'Editor',
  models: async () => [{ id: 'editor/vendor/one', name: 'One', provider: 'vendor', maxInputTokens: 100 }],
  reply: () => assert.fail(),
};

describe('models on offer', () => {
  const directory = useTempDirectory();
  const soon = () => AbortSignal.timeout(5000);

  it('are those of all providers; one that fails is told of, and hides no other', async () => {
    const server = await FakeModelServer.start(directory);
    const gone = await FakeModelServer.start(directory);
    const { baseUrl: goneUrl } = gone;
    await gone.close();
    const offer = await listModels([
      openAiEndpoint({ name: 'Gone', baseUrl: goneUrl }, ports),
      editor,
      openAiEndpoint({ name: 'Here', baseUrl: server.baseUrl }, ports),
    ]);
    assert.deepEqual(
      offer.models.map(({ id }) => id),
      ['editor/vendor/one', 'here/small', 'here/org/large:latest'],
    );
    assert.equal(offer.problems.length, 1);
    assert.match(offer.problems[0] ?? '', /^Gone cannot be reached/);
  });

  it('include those that run on this machine, and none where nobody answers as they do', async () => {
    const server = await FakeModelServer.start(directory);
    const other = await FakeModelServer.start(directory);
    other.listing = json(200, '<html>');
    const gone = await FakeModelServer.start(directory);
    const urls = [server, other, gone].map(({ baseUrl }) => baseUrl);
    await gone.close();
    const providers = urls.map((baseUrl, index) => localEndpoint({ name: `Local ${index}`, baseUrl }));
    const { models, problems } = await listModels(providers);
    assert.deepEqual([models.map(({ id }) => id), problems], [['local 0/small', 'local 0/org/large:latest'], []]);
  });

  it('do not wait for a program on this machine that does not answer', async () => {
    const server = await FakeModelServer.start(directory);
    server.listing = hanging();
    const slow = localEndpoint({ name: 'Slow', baseUrl: server.baseUrl }, 500);
    const closed = server.closed('GET');
    assert.deepEqual(await slow.models(soon()), []);
    assert.equal(await closed, false);
  });

  it('are looked for on this machine alone', () => {
    assert.deepEqual(
      wellKnownEndpoints.map(({ baseUrl }) => new URL(baseUrl).host),
      ['127.0.0.1:11434', '127.0.0.1:1234', '127.0.0.1:8000', '127.0.0.1:8080'],
    );
  });

  it('come from the settings where these name a program that would be looked for', async () => {
    const server = await FakeModelServer.start(directory);
    const setting = [{ name: 'Ollama', baseUrl: server.baseUrl }, { name: 7 }, null];
    const providers = modelProviders(editor, setting, ports);
    const ids = providers.map(({ id }) => id);
    assert.deepEqual(ids, ['editor', 'ollama', 'lm studio', 'local 8000', 'local 8080']);
    assert.equal(modelProviders(editor, 'nonsense', ports).length, 5);
    const { provider, maxInputTokens } = await findModel(providers, 'ollama/org/large:latest', soon());
    assert.deepEqual([provider.name, maxInputTokens], ['Ollama', 3000]);
    assert.equal(server.asked.length, 1);
  });

  it('can be asked though their provider does not list them, or does not answer', async () => {
    const gone = await FakeModelServer.start(directory);
    const providers = [openAiEndpoint({ name: 'Gone', baseUrl: gone.baseUrl }, ports)];
    assert.equal((await findModel(providers, 'gone/unlisted', soon())).maxInputTokens, null);
    await gone.close();
    assert.equal((await findModel(providers, 'gone/small', soon())).maxInputTokens, null);
  });

  it('are none of a provider that is not known here', async () => {
    await assert.rejects(findModel([editor], 'elsewhere/one', soon()), { reason: 'no-model' });
  });

  it('are listed without those of a service that does not answer in time', async () => {
    const server = await FakeModelServer.start(directory);
    server.listing = hanging();
    const closed = server.closed('GET');
    const { models, problems } = await listModels(
      [editor, openAiEndpoint({ name: 'Slow', baseUrl: server.baseUrl }, ports)],
      50,
    );
    assert.deepEqual([models.length, problems], [1, ['Slow did not tell its models in time.']]);
    assert.equal(await closed, false);
  });

  it('are found at the provider that lists them, whatever they and it are called', async () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'B', '/', '-', ' '), minLength: 1, maxLength: 4 });
    const endpoint = fc.record({
      name,
      baseUrl: fc.constant('http://127.0.0.1:9/v1'),
      models: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
      maxInputTokens: fc.integer({ min: 1, max: 9 }),
    });
    const endpoints = fc.uniqueArray(endpoint, {
      selector: (one) => one.name.toLowerCase().replaceAll('/', '-'),
      maxLength: 4,
    });
    const { signal } = new AbortController();
    await fc.assert(
      fc.asyncProperty(endpoints, async (settings) => {
        const providers = modelProviders(editor, settings, ports);
        for (const provider of providers.slice(1, settings.length + 1)) {
          for (const { id, maxInputTokens } of await provider.models(signal)) {
            const found = await findModel(providers, id, signal);
            assert.deepEqual([found.provider.name, found.maxInputTokens], [provider.name, maxInputTokens]);
          }
        }
      }),
    );
  });
});
