import { l10n, ProgressLocation, window } from 'vscode';
import type { InstanceClient } from '../instance/client/instanceClient.ts';
import type { Conversation } from '../protocol/model.ts';
import type { SyncState } from '../protocol/rpc.ts';
import { countSeqs, mergeRanges, type SeqRange } from '../sync/sequence.ts';
import type { ChatController } from './chatController.ts';

/** How long something may take before its progress is shown, in ms. */
const UNNOTICED = 500;

/** What looks for missing messages: first the database, then the panel. */
export interface ResyncContext {
  client: InstanceClient;
  chat: ChatController;
}

interface Outcome {
  state: SyncState;
  fetchedRanges: readonly SeqRange[];
  isCancelled: boolean;
}

/** Looks for missing messages of a conversation, fetches them, and says what was done. */
export async function resync(context: ResyncContext, { id }: Conversation): Promise<void> {
  const { state, fetchedRanges, isCancelled } = await withProgress(
    l10n.t('Resyncing the conversation'),
    (report, signal) => resyncOne(context, id, report, signal),
  );
  const fetched = fetchedText(countSeqs(fetchedRanges), fetchedRanges.length);
  if (isCancelled) say(l10n.t('The resync was cancelled.'), fetched);
  else if (state === 'SYNCED') say(fetched ?? l10n.t('Nothing was missing.'));
  else warn(fetched, l10n.t('Messages of this conversation are missing, and cannot be fetched from anywhere.'));
}

/** Does the same with all conversations, one after the other. */
export async function resyncAll(context: ResyncContext, conversations: readonly Conversation[]): Promise<void> {
  const outcomes: Outcome[] = [];
  await withProgress(l10n.t('Resyncing all conversations'), async (report, signal) => {
    for (const { id } of conversations) {
      if (signal.aborted) return;
      report(l10n.t('{0} of {1}', outcomes.length + 1, conversations.length));
      outcomes.push(await resyncOne(context, id, () => undefined, signal));
    }
  });
  const fetched = outcomes.flatMap(({ fetchedRanges }) => fetchedRanges);
  const incomplete = outcomes.filter(({ state }) => state !== 'SYNCED').length;
  const checked = l10n.t('Conversations checked: {0} of {1}.', outcomes.length, conversations.length);
  const text = fetchedText(countSeqs(fetched), fetched.length);
  if (incomplete === 0) say(checked, text ?? l10n.t('Nothing was missing.'));
  else warn(checked, text, l10n.t('Conversations with missing messages that cannot be fetched: {0}.', incomplete));
}

/** Makes the search index anew, and says from how many messages. */
export async function rebuildIndex({ client }: ResyncContext): Promise<void> {
  const title = l10n.t('Rebuilding the search index');
  const { messages } = await withProgress(title, () => client.request('search/rebuild', {}), { cancellable: false });
  say(l10n.t('The search index was rebuilt. Messages in it: {0}.', messages));
}

type Report = (message: string) => void;

async function resyncOne(
  { client, chat }: ResyncContext,
  conversationId: string,
  report: Report,
  signal: AbortSignal,
): Promise<Outcome> {
  const sayProgress = (fetched: number, wanted: number) => {
    if (wanted > 0) report(l10n.t('{0} of {1} messages', fetched, wanted));
  };
  const follow = (status: { conversationId: string; fetched: number; wanted: number }) => {
    if (status.conversationId === conversationId) sayProgress(status.fetched, status.wanted);
  };
  client.events.on('syncState', follow);
  try {
    const { state, fetchedRanges } = await client.request('sync/resync', { conversationId });
    const shown = await chat.resync(conversationId, sayProgress, signal);
    // What came into the database may be what the panel lacked.
    return { state, fetchedRanges: mergeRanges(fetchedRanges, shown), isCancelled: signal.aborted };
  } finally {
    client.events.off('syncState', follow);
  }
}

/** What was fetched, in words; undefined when nothing was. */
function fetchedText(messages: number, ranges: number): string | undefined {
  if (messages === 0) return undefined;
  if (messages === 1) return l10n.t('1 message in 1 range fetched.');
  if (ranges === 1) return l10n.t('{0} messages in 1 range fetched.', messages);
  return l10n.t('{0} messages in {1} ranges fetched.', messages, ranges);
}

type Sentences = (string | undefined)[];

function say(...sentences: Sentences): void {
  void window.showInformationMessage(joined(sentences));
}

function warn(...sentences: Sentences): void {
  void window.showWarningMessage(joined(sentences));
}

function joined(sentences: Sentences): string {
  return sentences.filter((sentence) => sentence !== undefined).join(' ');
}

/** Runs a function; what takes longer shows how far it has come, with a button to end it if that is possible. */
async function withProgress<T>(
  title: string,
  run: (report: Report, signal: AbortSignal) => Promise<T>,
  { cancellable } = { cancellable: true },
): Promise<T> {
  const abort = new AbortController();
  let last = '';
  let show: Report | undefined;
  const running = run((message) => {
    last = message;
    show?.(message);
  }, abort.signal);
  const options = { location: ProgressLocation.Notification, title, cancellable };
  const timer = setTimeout(() => {
    void window.withProgress(options, (progress, token) => {
      token.onCancellationRequested(() => abort.abort());
      show = (message) => progress.report({ message });
      show(last);
      return running.catch(() => undefined);
    });
  }, UNNOTICED);
  try {
    return await running;
  } finally {
    clearTimeout(timer);
  }
}
