import { Disposable, commands as editor, l10n, Uri } from 'vscode';
import type { Attachment } from '../protocol/attachments.ts';
import { askApiKey } from './apiKeys.ts';
import { pickMention, readAttachment, readFile } from './attach.ts';
import type { ChatController } from './chatController.ts';
import {
  type Command,
  type CommandContext,
  chooseOne,
  focusView,
  say,
  showInView,
  showMessage,
  type Target,
} from './commandTarget.ts';
import { commands } from './contributions.ts';
import { showDiagnostics } from './diagnostics.ts';
import { exporting } from './exporting.ts';
import { sharing } from './hub.ts';
import { importing } from './import/commands.ts';
import { listing } from './listing.ts';
import { organising } from './organise.ts';
import { showOtherVersions } from './otherVersions.ts';
import { relink } from './relink.ts';
import { rebuildIndex, resync, resyncAll } from './resync.ts';
import { searchMessages } from './searchPick.ts';
import { pickAction } from './statusBar.ts';

/**
 * Registers every command. Those about conversations take an id, and the selected rows, which the tree passes;
 * without them they mean the conversation that is shown, or ask.
 */
export function registerCommands(context: CommandContext): Disposable {
  return Disposable.from(
    ...Object.entries(handlers).map(([name, run]) =>
      editor.registerCommand(commands[name as keyof typeof commands], async (...given: unknown[]) => {
        try {
          if (isOfLostRow(given)) say(l10n.t('The list was just being drawn. Please try again.'));
          else await run(context, toTarget(given));
        } catch (error) {
          context.problems.tell(error, name);
        }
      }),
    ),
  );
}

/** Whether a row was meant that the editor did not know at that moment, since it was listing the rows anew. */
function isOfLostRow(given: readonly unknown[]): boolean {
  return given.length === 2 && given[0] === undefined;
}

function toTarget([argument, more]: readonly unknown[]): Target {
  const given = argument instanceof Uri ? argument.toString() : argument;
  return {
    argument: typeof given === 'string' ? given : undefined,
    seq: typeof more === 'number' ? more : undefined,
    selected: Array.isArray(more) ? more.filter((element) => typeof element === 'string') : [],
  };
}

const handlers: Record<keyof typeof commands, Command> = {
  ...organising,
  ...exporting,
  ...importing,
  ...sharing,
  ...listing,
  newConversation: async (context) => {
    const conversation = await context.client.request('conversation/create', {});
    context.history.apply(conversation);
    await showInView(context, conversation.id);
  },
  openConversation: async (context, { argument, seq }) => {
    if (argument !== undefined && seq !== undefined) await showMessage(context, argument, seq);
    else if (argument !== undefined) await showInView(context, argument);
  },
  openInEditor: ({ chats, editors }, { argument }) => editors.open(argument ?? chats.current.selected),
  search: async (context) => {
    const hit = await searchMessages(context.client);
    if (hit) await showMessage(context, hit.conversationId, hit.seq);
  },
  resync: async (context, target) => {
    const conversation = await chooseOne(context, target, l10n.t('Resync which conversation?'));
    if (conversation) await resync(resyncing(context), conversation);
  },
  resyncAll: (context) => resyncAll(resyncing(context), context.history.live()),
  rebuildIndex: (context) => rebuildIndex(resyncing(context)),
  selectModel: async ({ chats }) => {
    if (chats.current === chats.view) await focusView();
    chats.current.selectModel();
  },
  setApiKey: ({ secrets }) => askApiKey(secrets),
  attach: async (context) => {
    const mention = await pickMention();
    if (mention) await attach(context, mention === 'file' ? readFile(undefined) : readAttachment(mention));
  },
  attachSelection: (context) => attach(context, readAttachment({ kind: 'selection' })),
  attachFile: (context, { argument: uri }) => attach(context, readFile(uri === undefined ? undefined : Uri.parse(uri))),
  attachProblems: (context) => attach(context, readAttachment({ kind: 'problems' })),
  attachTerminalSelection: (context) => attach(context, readAttachment({ kind: 'terminal' })),
  showActions: ({ client }) => pickAction(client),
  showDiagnostics,
  showLog: ({ log }) => log.show(),
  restart: ({ client }) => client.restart(),
  showOtherVersions,
  relink,
};

function resyncing({ client, chats }: CommandContext): { client: typeof client; chat: ChatController } {
  return { client, chat: chats.current };
}

/** Adds something to the next message. */
async function attach({ chats }: CommandContext, attachment: Promise<Attachment>): Promise<void> {
  chats.view.addAttachment(await attachment);
  await focusView();
  chats.view.focusComposer();
}
