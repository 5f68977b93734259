import { join } from 'node:path';
import { root } from '../../scripts/lib/step.mjs';
import type { Notifications } from '../../src/protocol/rpc.ts';
import type { TestEditor } from './editorHost.ts';
import { RpcClient } from './rpcClient.ts';

const program = join(root, 'dist', 'cli.cjs');

/** Starts another program on the history of the editor's folder, which ends with `child.kill`. */
export async function startOtherProgram(editor: TestEditor): Promise<RpcClient> {
  const other = new RpcClient(program, ['serve', '--stdio'], { DEVCHAT_HOME: editor.devchatHome });
  try {
    await other.request('initialize', { workspaceFolder: editor.workspace, client: 'test' });
    return other;
  } catch (error) {
    other.child.kill('SIGKILL');
    throw error;
  }
}

/**
 * Resolves when a message that was added since the program has joined is stored anew, e.g. with what came of it so far; then
 * ends the program.
 */
export async function untilStored(other: RpcClient): Promise<void> {
  const added = new Set<string | null>();
  await other.notified('change', ({ changes }: Notifications['change']) =>
    changes.some(({ changeType, messageId }) => {
      if (changeType === 'MessageAdded') added.add(messageId);
      return changeType === 'MessageUpdated' && added.has(messageId);
    }),
  );
  other.child.kill('SIGKILL');
  await other.exited;
}
