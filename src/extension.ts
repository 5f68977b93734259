import { type ExtensionContext, env, window } from 'vscode';
import { InstanceClient } from './instance/client/instanceClient.ts';
import { spawnInstance } from './instance/client/process.ts';
import type { WindowModels } from './models/windowModels.ts';
import { apiKeyFor } from './views/apiKeys.ts';
import { ChatController } from './views/chatController.ts';
import { ChatEditors } from './views/chatEditors.ts';
import { Chats } from './views/chats.ts';
import { registerChatView } from './views/chatView.ts';
import { registerCommands } from './views/commands.ts';
import { registerComparisons } from './views/comparisons.ts';
import { registerConversationsTree } from './views/conversationsTree.ts';
import { chatEditor } from './views/editor.ts';
import { History } from './views/history.ts';
import { registerHistoryMessages, sayWithLog } from './views/historyMessages.ts';
import { followHub } from './views/hub.ts';
import { followIngestSettings, ingestSettings } from './views/import/ingestSettings.ts';
import { ImportProgress, registerImportProgress } from './views/import/progress.ts';
import { registerReports } from './views/import/reports.ts';
import { ListChoice } from './views/listChoice.ts';
import { historyLocation, startWhereHistoryIs } from './views/location.ts';
import { lastModel, modelEndpoints, registerModelOffer } from './views/modelChoice.ts';
import { Presence } from './views/presence.ts';
import { RecentProblems } from './views/recentProblems.ts';
import { registerStatusBar } from './views/statusBar.ts';
import { registerUriHandler } from './views/uriHandler.ts';

let client: InstanceClient | undefined;
/** Undefined until they are needed, since most windows only read. */
let loadedModels: Promise<WindowModels> | undefined;

/** Builds this window's parts and registers them. */
export function activate(context: ExtensionContext): void {
  const { extensionUri, secrets } = context;
  const channel = window.createOutputChannel('DevChat Sync', { log: true });
  const problems = new RecentProblems(
    (level, text) => channel[level](text),
    (problem) => sayWithLog(problem, window.showErrorMessage),
  );
  const { log } = problems;
  const program = context.asAbsolutePath('dist/instance.cjs');
  client = new InstanceClient({
    spawn: () => spawnInstance(program),
    initialize: () => ({
      ...historyLocation(log),
      client: { name: env.appName, version: context.extension.packageJSON.version },
      joinsAddedRuns: true,
      ingest: ingestSettings(),
    }),
    log,
  });
  const history = new History(client, log);
  const presence = new Presence(client, log);
  const ports = {
    client,
    windowName: env.appName,
    titleOf: (id: string) => history.get(id)?.title,
    endpoints: modelEndpoints,
    keyFor: (origin: string) => apiKeyFor(secrets, origin),
    log,
  };
  const models = () => {
    loadedModels ??= import('./models/windowModels.ts').then(({ windowModels }) => windowModels(ports));
    return loadedModels;
  };
  const chatPorts = {
    client,
    history,
    presence,
    editor: chatEditor,
    models,
    lastModel: lastModel(context.globalState),
    log,
  };
  const chats = new Chats(() => new ChatController(chatPorts));
  chats.events.on('selected', (id) => presence.show(id));
  const choice = new ListChoice(context.workspaceState);
  const editors = new ChatEditors({ extensionUri, history, chats });
  const progress = new ImportProgress(client, log);
  const commandContext = { client, history, chats, editors, choice, secrets, problems, progress, log: channel };
  context.subscriptions.push(
    channel,
    editors,
    registerConversationsTree({ client, history, chats, presence, choice }),
    registerChatView(extensionUri, chats),
    registerCommands(commandContext),
    registerUriHandler(commandContext),
    registerStatusBar(client, history, chats),
    registerHistoryMessages(client, history),
    registerModelOffer(chats),
    registerImportProgress(client, progress),
    registerReports(client),
    followIngestSettings(client, log),
    followHub(client, secrets, log),
    registerComparisons(),
    startWhereHistoryIs(client),
  );
}

/** Ends the replies of this window, and lets the instance leave its peers, before the window goes. */
export async function deactivate(): Promise<void> {
  await (await loadedModels)?.dispose();
  await client?.dispose();
}
