import { homedir } from 'node:os';
import { env, extensions, version, window, workspace } from 'vscode';
import type { InstanceClient } from '../instance/client/instanceClient.ts';
import type { SyncStatus } from '../protocol/rpc.ts';
import type { Command } from './commandTarget.ts';
import { diagnosticsText } from './diagnosticsText.ts';

/** Opens a report of how the history stands, to read or to add to the description of a problem. */
export const showDiagnostics: Command = async ({ client, history, problems }) => {
  const content = diagnosticsText({
    versions: {
      'DevChat Sync': extensions.getExtension('devchat.devchat-sync')?.packageJSON.version ?? '',
      [env.appName]: version,
      'Node.js': process.version,
      platform: `${process.platform} ${process.arch}, ${env.remoteName ?? 'local'}`,
    },
    state: client.state,
    problem: client.problem,
    status: await statusOf(client),
    conversations: history.live().length,
    unread: history.unread(),
    problems: problems.lines,
    home: homedir(),
  });
  await window.showTextDocument(await workspace.openTextDocument({ content, language: 'markdown' }));
};

/** One that does not run would be asked in vain. */
async function statusOf(client: InstanceClient): Promise<SyncStatus | null> {
  return client.state === 'ready' ? client.request('sync/status', {}) : null;
}
