import { l10n, type QuickPickItem, window } from 'vscode';
import type { OtherVersion } from '../protocol/rpc.ts';
import { type Command, chooseOne, say } from './commandTarget.ts';
import { addressOf, showDifferences } from './comparisons.ts';
import { withoutIcons } from './plainText.ts';

/** As much of a text as tells which one it is. */
const LABEL_LENGTH = 80;

/** Shows an edit that lost against another one beside what holds; of several, the user picks one. */
export const showOtherVersions: Command = async (context, target) => {
  const conversation = await chooseOne(context, target, l10n.t('Show the other versions of which conversation?'));
  if (!conversation) return;
  const { versions } = await context.client.request('conversation/alternatives', { conversationId: conversation.id });
  const [first] = versions;
  if (!first) return say(l10n.t('No other versions are kept of this conversation.'));
  const version = versions.length === 1 ? first : await pick(versions);
  if (version) await show(version);
};

async function pick(versions: readonly OtherVersion[]): Promise<OtherVersion | undefined> {
  const placeHolder = l10n.t('Compare which version with the present one?');
  return (await window.showQuickPick(versions.map(toPick), { placeHolder }))?.version;
}

function toPick(version: OtherVersion): QuickPickItem & { version: OtherVersion } {
  const { text, seq, userId, createdAt } = version;
  return {
    label: withoutIcons(text.slice(0, LABEL_LENGTH).toWellFormed()),
    description: [nameOf(seq), userId, new Date(createdAt).toLocaleString()].join(' · '),
    version,
  };
}

function show({ seq, revisionId, userId, createdAt, text, present }: OtherVersion): Promise<void> {
  const time = new Date(createdAt).toLocaleString();
  return showDifferences(
    addressOf(`${revisionId}.md`, text),
    addressOf(`${revisionId}-present.md`, present),
    l10n.t('{0}: version of {1}, {2} ↔ present version', nameOf(seq), userId, time),
  );
}

function nameOf(seq: number | null): string {
  return seq === null ? l10n.t('Title') : l10n.t('Message {0}', seq);
}
