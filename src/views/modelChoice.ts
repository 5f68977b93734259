import {
  Disposable,
  commands as editor,
  l10n,
  lm,
  type Memento,
  type QuickPickItem,
  QuickPickItemKind,
  ThemeIcon,
  window,
  workspace,
} from 'vscode';
import { serialiseError } from '../protocol/errors.ts';
import type { ChatModel, ChatModels } from './chatModels.ts';
import type { LastModel } from './chatReplies.ts';
import type { Chats } from './chats.ts';
import { commands, settings } from './contributions.ts';

const LAST_MODEL = 'devchat.lastModel';

/** An entry of the pick: a model, none (null), or something to do first. */
type Entry = QuickPickItem & { model?: string | null; run?: () => Thenable<unknown> };

/** The endpoints in the settings as the user wrote them. */
export function modelEndpoints(): unknown[] {
  const endpoints = workspace.getConfiguration().get<unknown>(settings.modelEndpoints);
  return Array.isArray(endpoints) ? endpoints : [];
}

/** Whether a model is on offer, as far as that can be told without asking any service. */
export async function isModelOffered(): Promise<boolean> {
  return modelEndpoints().length > 0 || (await lm.selectChatModels()).length > 0;
}

/** Has the chat look again whenever other models may be on offer. */
export function registerModelOffer(chats: Chats): Disposable {
  const look = () => {
    for (const chat of chats.all) void chat.lookForModels();
  };
  return Disposable.from(
    lm.onDidChangeChatModels(look),
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(settings.modelEndpoints)) look();
    }),
  );
}

/** The model chosen last, kept for all windows of this user. */
export function lastModel(memory: Memento): LastModel {
  return {
    get: () => memory.get<string | null>(LAST_MODEL, null),
    set: (model) => memory.update(LAST_MODEL, model),
  };
}

/**
 * Lets the user choose among all models that can be found now.
 * @param current id of the model that is asked now; null when there is none
 * @returns the id of the choice, null for no model; undefined when nothing was chosen
 */
export async function pickModel(
  models: Promise<ChatModels>,
  current: string | null,
): Promise<string | null | undefined> {
  // Entries that come one after the other would change under the pointer, so all wait for the slowest service.
  const entries = offered(models, current).then((found) => [...found, ...otherEntries(current)]);
  const placeHolder = l10n.t('Who is to answer in this conversation?');
  const entry = await window.showQuickPick(entries, { placeHolder, matchOnDescription: true });
  void entry?.run?.();
  return entry?.model;
}

/** What can be chosen now, by provider, and why a provider offers nothing. */
async function offered(models: Promise<ChatModels>, current: string | null): Promise<Entry[]> {
  try {
    const offer = await (await models).list();
    const groups = Map.groupBy(offer.models, ({ provider }) => provider);
    return [
      ...[...groups].flatMap(([provider, group]) => [
        separator(provider),
        ...group.map((one) => toEntry(one, current)),
      ]),
      ...offer.problems.map(toProblem),
    ];
  } catch (error) {
    return [toProblem(serialiseError(error).message)];
  }
}

function otherEntries(current: string | null): Entry[] {
  return [
    separator(''),
    {
      label: l10n.t('No Model'),
      description: l10n.t('a notebook that all windows share'),
      iconPath: checkmark(current === null),
      model: null,
    },
    {
      label: l10n.t('Add an Endpoint…'),
      description: l10n.t('Ollama, LM Studio, vLLM, or any other that is compatible with OpenAI'),
      iconPath: new ThemeIcon('add'),
      run: () => editor.executeCommand('workbench.action.openSettings', settings.modelEndpoints),
    },
    {
      label: l10n.t('Set an API Key…'),
      iconPath: new ThemeIcon('key'),
      run: () => editor.executeCommand(commands.setApiKey),
    },
  ];
}

function toEntry({ id, name }: ChatModel, current: string | null): Entry {
  return { label: name, iconPath: checkmark(id === current), model: id };
}

function toProblem(text: string): Entry {
  return { label: text, iconPath: new ThemeIcon('warning') };
}

function separator(label: string): Entry {
  return { label, kind: QuickPickItemKind.Separator };
}

function checkmark(isCurrent: boolean): ThemeIcon {
  return new ThemeIcon(isCurrent ? 'check' : 'blank');
}
