import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { after, before, describe, it } from 'mocha';
import { commands as editor, extensions, lm, Uri } from 'vscode';
import { InstanceClient } from '../../../src/instance/client/instanceClient.ts';
import { spawnInstance } from '../../../src/instance/client/process.ts';
import { editorModels } from '../../../src/models/editorModels.ts';
import { Replies } from '../../../src/models/replies.ts';
import { DevChatError } from '../../../src/protocol/errors.ts';

const run = promisify(execFile);

describe('models that other extensions offer', () => {
  const folder = mkdtempSync(join(tmpdir(), 'devchat-models-'));
  after(() => rmSync(folder, { recursive: true }));

  before(async function () {
    this.timeout(120_000);
    const root = extensions.getExtension('devchat.devchat-sync')?.extensionPath ?? assert.fail();
    const vsix = join(folder, 'models.vsix');
    const vsce = join(root, 'node_modules', '@vscode', 'vsce', 'vsce');
    const options = ['--no-dependencies', '--allow-missing-repository', '--skip-license', '--out', vsix];
    await run(process.execPath, [vsce, 'package', ...options], {
      cwd: join(root, 'test', 'integration', 'modelProvider'),
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    });
    await editor.executeCommand('workbench.extensions.installExtension', Uri.file(vsix));
    // Nothing says when a new provider is ready, so it is asked until it answers.
    while ((await lm.selectChatModels({ vendor: 'devchat-test' })).length === 0) await delay(100);
  });

  async function answer(model: string, signal = AbortSignal.timeout(10_000), onPiece: () => void = () => undefined) {
    const messages = [
      { role: 'system' as const, content: 'Be brief.' },
      { role: 'user' as const, content: 'Hello 🙂' },
    ];
    const pieces: string[] = [];
    for await (const piece of editorModels.reply({ modelId: `editor/devchat-test/${model}`, messages }, signal)) {
      pieces.push(piece);
      onPiece();
    }
    return pieces.join('');
  }

  it('are listed', async () => {
    const models = await editorModels.models(AbortSignal.timeout(10_000));
    assert.deepEqual(
      models.find(({ id }) => id === 'editor/devchat-test/echo'),
      { id: 'editor/devchat-test/echo', name: 'Test echo', provider: 'devchat-test', maxInputTokens: 1000 },
    );
  });

  it('answer in pieces', async () => {
    assert.equal(await answer('echo'), 'You said: Be brief.|Hello 🙂');
  });

  it('are stopped in the middle', async () => {
    const abort = new AbortController();
    const stopped = new Error('stopped');
    await assert.rejects(
      answer('hanging', abort.signal, () => abort.abort(stopped)),
      stopped,
    );
  });

  it('answer into the history', async () => {
    const program = join(extensions.getExtension('devchat.devchat-sync')?.extensionPath ?? '', 'dist', 'instance.cjs');
    const databasePath = join(folder, 'db', 'chat.db');
    const log = () => undefined;
    const client = new InstanceClient({
      spawn: () => spawnInstance(program),
      initialize: () => ({ databasePath }),
      log,
    });
    client.start();
    try {
      const { id: conversationId } = await client.request('conversation/create', { title: 'Talk' });
      const question = await client.request('message/add', { conversationId, role: 'user', content: 'Hello' });
      const ports = { providers: () => [editorModels], windowName: 'Test', titleOf: () => 'Talk', log };
      const modelId = 'editor/devchat-test/echo';
      await new Replies({ client, ...ports }).run({ question, modelId });
      const { messages } = await client.request('message/range', { conversationId, fromSeq: 2, toSeq: 2 });
      assert.deepEqual(
        messages.map(({ content, status, model }) => [content, status, model]),
        [['You said: Hello', 'complete', modelId]],
      );
    } finally {
      await client.dispose();
    }
  });

  const failures = [
    ['blocked', 'quota', /Retry later/],
    ['broken', 'model-failed', /It broke/],
    ['absent', 'no-model', /Choose another model/],
  ] as const;
  for (const [model, reason, text] of failures) {
    it(`say ${reason} when they are ${model}`, async () => {
      await assert.rejects(answer(model), (error) => {
        assert.ok(error instanceof DevChatError);
        assert.equal(error.reason, reason, error.message);
        assert.match(error.message, text);
        return true;
      });
    });
  }
});
