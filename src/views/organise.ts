import * as v from 'valibot';
import { l10n, window } from 'vscode';
import { type Conversation, MAX_TITLE_LENGTH, Tags } from '../protocol/model.ts';
import { MAX_BATCH, type Params } from '../protocol/rpc.ts';
import {
  type Command,
  type CommandContext,
  choose,
  chooseOne,
  chooseSeveral,
  isEmpty,
  showHere,
  showInView,
  toPick,
} from './commandTarget.ts';
import { titleOf } from './conversationItems.ts';
import { withoutLinks } from './plainText.ts';

/** The commands that put conversations in order. */
export const organising = {
  renameConversation: async (context, target) => {
    const conversation = await chooseOne(context, target, l10n.t('Rename which conversation?'));
    if (!conversation) return;
    const title = await window.showInputBox({
      title: l10n.t('Rename Conversation'),
      value: conversation.title,
      validateInput: (text) => titleProblem(text.trim()),
    });
    if (title === undefined) return;
    const { client, history } = context;
    history.apply(
      await client.request('conversation/rename', { conversationId: conversation.id, title: title.trim() }),
    );
  },
  pinConversation: updating({ pinned: true }, () => l10n.t('Pin which conversation?')),
  unpinConversation: updating({ pinned: false }, () => l10n.t('Unpin which conversation?')),
  archiveConversation: updating({ archived: true }, () => l10n.t('Archive which conversation?')),
  unarchiveConversation: updating({ archived: false }, () => l10n.t('Take which conversation out of the archive?')),
  editTags: async (context, target) => {
    const conversation = await chooseOne(context, target, l10n.t('Tag which conversation?'));
    if (!conversation) return;
    const text = await window.showInputBox({
      title: l10n.t('Tags of “{0}”', titleOf(conversation)),
      prompt: l10n.t('Separate tags by commas.'),
      value: conversation.tags.join(', '),
      validateInput: (typed) => v.safeParse(Tags, splitTags(typed)).issues?.[0].message,
    });
    if (text !== undefined) await update(context, [conversation], { tags: splitTags(text) });
  },
  deleteConversation: async (context, target) => {
    const conversations = await chooseSeveral(context, target, l10n.t('Delete which conversation?'));
    if (conversations.length === 0 || !(await confirmDelete(conversations))) return;
    await move(context, 'delete', conversations);
    // Whoever ran the command need not wait until the user has read that.
    void offerUndo(context, conversations);
  },
  restoreConversation: async (context, { argument }) => {
    const deleted = context.history.deleted();
    if (isEmpty(deleted)) return;
    const conversation = await choose(deleted, argument, l10n.t('Restore which conversation?'));
    if (!conversation) return;
    await move(context, 'restore', [conversation]);
    await showInView(context, conversation.id);
  },
  purgeConversation: async (context, target) => {
    const conversations =
      target.argument === undefined ? await pickFromBin(context) : await chooseSeveral(context, target, '');
    if (conversations.length === 0) return;
    const remove = l10n.t('Delete Permanently');
    const question =
      conversations.length === 1
        ? l10n.t('Delete the conversation “{0}” permanently?', titlesOf(conversations))
        : l10n.t('Delete {0} conversations permanently?', conversations.length);
    const detail = l10n.t('Their messages are erased from the database. Nothing brings them back.');
    if ((await window.showWarningMessage(question, { modal: true, detail }, remove)) !== remove) return;
    await move(context, 'purge', conversations);
  },
  duplicateConversation: async (context, target) => {
    const conversation = await chooseOne(context, target, l10n.t('Duplicate which conversation?'));
    if (conversation) await branch(context, { conversationId: conversation.id });
  },
  branchConversation: async (context, { argument, seq }) => {
    if (argument !== undefined) await branch(context, { conversationId: argument, throughSeq: seq });
  },
} satisfies Record<string, Command>;

type Changes = Omit<Params<'conversation/update'>, 'conversationId'>;

function updating(changes: Changes, question: () => string): Command {
  return async (context, target) => update(context, await chooseSeveral(context, target, question()), changes);
}

async function update({ client, history }: CommandContext, conversations: Conversation[], changes: Changes) {
  for (const { id } of conversations) {
    history.apply(await client.request('conversation/update', { conversationId: id, ...changes }));
  }
}

async function move(
  { client, history }: CommandContext,
  action: Params<'conversation/batch'>['action'],
  conversations: readonly Conversation[],
): Promise<void> {
  const ids = conversations.map(({ id }) => id);
  for (let from = 0; from < ids.length; from += MAX_BATCH) {
    const conversationIds = ids.slice(from, from + MAX_BATCH);
    history.apply(...(await client.request('conversation/batch', { action, conversationIds })).conversations);
  }
}

async function branch(context: CommandContext, params: Params<'conversation/branch'>): Promise<void> {
  const copy = await context.client.request('conversation/branch', params);
  context.history.apply(copy);
  await showHere(context, copy.id);
}

async function confirmDelete(conversations: readonly Conversation[]): Promise<boolean> {
  const remove = l10n.t('Delete');
  const question =
    conversations.length === 1
      ? l10n.t('Delete the conversation “{0}”?', titlesOf(conversations))
      : l10n.t('Delete {0} conversations?', conversations.length);
  const detail = l10n.t(
    'This takes effect in every window. “DevChat: Restore Conversation” brings a conversation back for 30 days.',
  );
  return (await window.showWarningMessage(question, { modal: true, detail }, remove)) === remove;
}

async function offerUndo(context: CommandContext, conversations: readonly Conversation[]): Promise<void> {
  const undo = l10n.t('Undo');
  const text =
    conversations.length === 1
      ? withoutLinks(l10n.t('“{0}” was deleted.', titlesOf(conversations)))
      : l10n.t('{0} conversations were deleted.', conversations.length);
  try {
    if ((await window.showInformationMessage(text, undo)) === undo) await move(context, 'restore', conversations);
  } catch (error) {
    context.problems.tell(error);
  }
}

async function pickFromBin({ history }: CommandContext): Promise<Conversation[]> {
  const deleted = history.deleted();
  if (isEmpty(deleted)) return [];
  const placeHolder = l10n.t('Delete which conversations of the bin permanently?');
  const picked = await window.showQuickPick(deleted.map(toPick), { placeHolder, canPickMany: true });
  return picked?.map(({ conversation }) => conversation) ?? [];
}

function titlesOf(conversations: readonly Conversation[]): string {
  return conversations.map(titleOf).join(', ');
}

function splitTags(text: string): string[] {
  return text
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
}

function titleProblem(title: string): string | undefined {
  if (title === '') return l10n.t('Enter a title.');
  return title.length > MAX_TITLE_LENGTH ? l10n.t('At most {0} characters.', MAX_TITLE_LENGTH) : undefined;
}
