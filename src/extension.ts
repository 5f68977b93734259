import { type ExtensionContext, env, window } from 'vscode';
import { InstanceClient } from './instance/client/instanceClient.ts';
import { spawnInstance } from './instance/client/process.ts';
import type { Log } from './protocol/log.ts';
import { ChatController } from './views/chatController.ts';
import { registerChatView } from './views/chatView.ts';
import { registerCommands } from './views/commands.ts';
import { registerConversationsTree } from './views/conversationsTree.ts';
import { chatEditor } from './views/editor.ts';
import { History } from './views/history.ts';
import { registerHistoryMessages } from './views/historyMessages.ts';
import { historyLocation, startWhereHistoryIs } from './views/location.ts';

let client: InstanceClient | undefined;

/** Builds this window's parts and registers them. */
export function activate(context: ExtensionContext): void {
  const channel = window.createOutputChannel('DevChat Sync', { log: true });
  const log: Log = (level, text) => channel[level](text);
  const program = context.asAbsolutePath('dist/instance.cjs');
  client = new InstanceClient({
    spawn: () => spawnInstance(program),
    initialize: () => ({
      ...historyLocation(log),
      client: { name: env.appName, version: context.extension.packageJSON.version },
    }),
    log,
  });
  const history = new History(client, log);
  const chat = new ChatController({ client, history, editor: chatEditor, log });
  context.subscriptions.push(
    channel,
    registerConversationsTree(history, chat),
    registerChatView(context.extensionUri, chat),
    registerCommands({ client, history, chat, log: channel }),
    registerHistoryMessages(client, history),
    startWhereHistoryIs(client),
  );
}

/** Lets the instance leave its peers before the window goes. */
export async function deactivate(): Promise<void> {
  await client?.dispose();
}
