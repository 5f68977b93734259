import { Disposable, l10n, ProgressLocation, type SecretStorage, window, workspace } from 'vscode';
import type { InstanceClient } from '../instance/client/instanceClient.ts';
import type { HubSettings, Share } from '../protocol/hub.ts';
import type { Log } from '../protocol/log.ts';
import type { HubStatus } from '../protocol/rpc.ts';
import { type Command, type CommandContext, chooseSeveral } from './commandTarget.ts';
import { settings } from './contributions.ts';
import { tokenProblem, urlProblem } from './hubInput.ts';

/** Beginning of the names of these settings. */
const GROUP = 'devchat.hub';

/** What in the list of what is shared stands for everything. */
const EVERYTHING = 'all';

/** What the user decides about the hub, and about what is shared through it. */
export const sharing = {
  connectHub: async (context) => {
    const url = await askUrl();
    const token = url === undefined ? undefined : await askToken(url);
    if (url === undefined || token === undefined) return;
    const hub = { url, token, share: shareSetting() };
    const connecting = { location: ProgressLocation.Notification, title: l10n.t('Connecting to the hub') };
    await window.withProgress(connecting, () => context.client.request('hub/connect', hub));
    await context.secrets.store(secretOf(context.client, url), token);
    await saveUrl(url);
    void window.showInformationMessage(l10n.t('Connected to the hub at {0}.', new URL(url).host));
  },
  disconnectHub: async ({ client, secrets }) => {
    const url = urlSetting();
    await client.request('hub/disconnect', {});
    if (url === undefined) return;
    await secrets.delete(secretOf(client, url));
    await saveUrl(undefined);
  },
  shareConversation: (context, target) => share(context, target, true),
  stopSharing: (context, target) => share(context, target, false),
} satisfies Record<string, Command>;

async function share(context: CommandContext, target: Parameters<Command>[1], isShared: boolean): Promise<void> {
  const question = isShared ? l10n.t('Share which conversation?') : l10n.t('Stop sharing which conversation?');
  for (const { id } of await chooseSeveral(context, target, question)) {
    context.history.apply(await context.client.request('conversation/share', { conversationId: id, isShared }));
  }
}

/** Gives the instance the hub of the settings and its token: when it begins, and whenever either becomes another one. */
export function followHub(client: InstanceClient, secrets: SecretStorage, log: Log): Disposable {
  const configure = async () => {
    if (client.state !== 'ready') return;
    try {
      await client.request('hub/configure', { settings: await hubSettings(client, secrets) });
    } catch (error) {
      log('warn', `hub: the settings were not taken over: ${String(error)}`);
    }
  };
  client.events.on('state', configure);
  return Disposable.from(
    new Disposable(() => client.events.off('state', configure)),
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(GROUP)) void configure();
    }),
    secrets.onDidChange(({ key }) => {
      if (key.startsWith(SECRET)) void configure();
    }),
  );
}

/** How the connection to the hub stands, in the user's language. */
export function hubText({ state, problem, waiting }: HubStatus): string {
  const text = {
    connecting: l10n.t('Hub: connecting…'),
    connected: l10n.t('Hub: connected'),
    follower: l10n.t('Hub: connected through another window'),
    offline: l10n.t('Hub: not connected'),
  }[state];
  return [text, waiting > 0 && l10n.t('{0} changes wait', waiting), problem].filter(Boolean).join(' · ');
}

async function hubSettings(client: InstanceClient, secrets: SecretStorage): Promise<HubSettings | null> {
  const url = urlSetting();
  const token = url === undefined ? undefined : await secrets.get(secretOf(client, url));
  return url === undefined || token === undefined ? null : { url, token, share: shareSetting() };
}

function urlSetting(): string | undefined {
  const url = workspace.getConfiguration().get<string>(settings.hubUrl, '').trim();
  return urlProblem(url) === undefined ? url : undefined;
}

function shareSetting(): Share {
  const sources = workspace.getConfiguration().get<unknown>(settings.hubShare);
  if (!Array.isArray(sources) || sources.length === 0) return 'none';
  return sources.includes(EVERYTHING) ? 'all' : { sources: sources.map(String) };
}

/** Where the folder's other settings are; in a window without one, for all such windows. */
async function saveUrl(url: string | undefined): Promise<void> {
  const isGlobal = workspace.workspaceFolders === undefined;
  await workspace.getConfiguration().update(settings.hubUrl, url, isGlobal);
}

const SECRET = 'devchat.hub:';

/** By hub and history, since a token stands for one of the hub's workspaces. */
function secretOf({ session }: InstanceClient, url: string): string {
  return `${SECRET}${url}#${session?.databasePath ?? ''}`;
}

function askUrl(): Thenable<string | undefined> {
  return window.showInputBox({
    title: l10n.t('Connect to a hub'),
    prompt: l10n.t('The address of the hub'),
    placeHolder: 'https://hub.example.com',
    value: urlSetting() ?? '',
    ignoreFocusOut: true,
    validateInput: (text) => explain(urlProblem(text.trim())),
  });
}

async function askToken(url: string): Promise<string | undefined> {
  const token = await window.showInputBox({
    title: l10n.t('Connect to a hub'),
    prompt: l10n.t('The token that “devchat hub token create” has shown. It is kept in the editor’s secret storage.'),
    placeHolder: new URL(url).host,
    password: true,
    ignoreFocusOut: true,
    validateInput: (text) => explain(tokenProblem(text.trim())),
  });
  return token?.trim();
}

function explain(problem: ReturnType<typeof urlProblem> | ReturnType<typeof tokenProblem>): string | undefined {
  return (
    problem &&
    {
      'no-url': l10n.t('Enter an address that begins with https:// or http://.'),
      'no-encryption': l10n.t('Only a hub on this computer may be reached without encryption: use https://.'),
      'no-token': l10n.t('A token begins with “devchat_”.'),
    }[problem]
  );
}
