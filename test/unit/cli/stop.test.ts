import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Message } from '../../../src/protocol/model.ts';
import type { Notifications } from '../../../src/protocol/rpc.ts';
import { RpcClient } from '../../support/rpcClient.ts';
import { environmentIn, useTempDirectory } from '../../support/tempDirectory.ts';

const program = join(import.meta.dirname, '../../../dist/cli.cjs');

describe('devchat send -', () => {
  const directory = useTempDirectory();

  for (const [what, length] of [
    ['a short message', 10],
    ['one that is too long to come along with its changes', 5_000_000],
  ] as const) {
    it(`ends when a window stops ${what}, though its input has not ended`, async () => {
      const databasePath = join(directory.path, 'chat.db');
      const environment = environmentIn(directory);
      const window = new RpcClient(program, ['serve', '--stdio'], environment);
      directory.defer(() => window.child.kill('SIGKILL'));
      await window.request('initialize', { databasePath, client: 'test' });
      const words = ['--db', databasePath, '--json', 'send', '-', '--role', 'assistant'];
      const child = spawn(process.execPath, [program, ...words], { env: { ...process.env, ...environment } });
      directory.defer(() => child.kill('SIGKILL'));
      // It may be stopped before it has read all of this.
      child.stdin.on('error', () => undefined);
      child.stdin.write('x'.repeat(length));
      const isStored = ({ changes }: Notifications['change']) =>
        changes.some(({ changeType }) => changeType === 'MessageUpdated');
      const { changes } = await window.notified<Notifications['change']>('change', isStored);
      const messageId = changes[0]?.messageId;
      await window.request('message/update', { messageId, parts: { stopped: true } });
      const [stdout, stderr, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'close'),
      ]);
      assert.deepEqual([code, stderr], [1, 'devchat: The message was stopped in a window. The rest was not read.\n']);
      const { status, content, parts } = JSON.parse(stdout) as Message;
      assert.deepEqual([status, parts], ['interrupted', { stopped: true }]);
      assert.match(content, /^x+$/);
    });
  }
});
