import { type ExtensionContext, env, window } from 'vscode';
import { InstanceClient } from './instance/client/instanceClient.ts';
import { spawnInstance } from './instance/client/process.ts';
import type { WindowModels } from './models/windowModels.ts';
import type { Log } from './protocol/log.ts';
import { apiKeyFor } from './views/apiKeys.ts';
import { ChatController } from './views/chatController.ts';
import { registerChatView } from './views/chatView.ts';
import { registerCommands } from './views/commands.ts';
import { registerConversationsTree } from './views/conversationsTree.ts';
import { chatEditor } from './views/editor.ts';
import { History } from './views/history.ts';
import { registerHistoryMessages } from './views/historyMessages.ts';
import { historyLocation, startWhereHistoryIs } from './views/location.ts';
import { lastModel, modelEndpoints, registerModelOffer } from './views/modelChoice.ts';
import { registerComparisons } from './views/useCode.ts';

let client: InstanceClient | undefined;
/** Undefined until they are needed, since most windows only read. */
let loadedModels: Promise<WindowModels> | undefined;

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
  const ports = {
    client,
    windowName: env.appName,
    titleOf: (id: string) => history.get(id)?.title,
    endpoints: modelEndpoints,
    keyFor: (origin: string) => apiKeyFor(context.secrets, origin),
    log,
  };
  const models = () => {
    loadedModels ??= import('./models/windowModels.ts').then(({ windowModels }) => windowModels(ports));
    return loadedModels;
  };
  const memory = lastModel(context.globalState);
  const chat = new ChatController({ client, history, editor: chatEditor, models, lastModel: memory, log });
  context.subscriptions.push(
    channel,
    registerConversationsTree(history, chat),
    registerChatView(context.extensionUri, chat),
    registerCommands({ client, history, chat, secrets: context.secrets, log: channel }),
    registerHistoryMessages(client, history),
    registerModelOffer(chat),
    registerComparisons(),
    startWhereHistoryIs(client),
  );
}

/** Ends the replies of this window, and lets the instance leave its peers, before the window goes. */
export async function deactivate(): Promise<void> {
  await (await loadedModels)?.dispose();
  await client?.dispose();
}
