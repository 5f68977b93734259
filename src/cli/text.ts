import type { IngestHealth } from '../protocol/ingest.ts';
import { ingestFacts } from '../protocol/ingestFacts.ts';
import type { Conversation, Message } from '../protocol/model.ts';
import type {
  ConversationSummary,
  HubStatus,
  RelinkResult,
  ResyncResult,
  SearchHit,
  SyncStatus,
  VerifyResult,
  WorkspaceSummary,
} from '../protocol/rpc.ts';
import { plainSnippet } from '../protocol/snippet.ts';
import type { Exported } from './export.ts';
import type { WorkspaceContents } from './workspaces.ts';

const untitled = '(untitled)';

/** How a history stands, and the reading of transcripts into it. */
export type Status = SyncStatus & { ingest: IngestHealth | null };

export function status({ databasePath, conversations, messages, peers, lastChangeId, hub, ingest }: Status): string {
  const lines = [
    `Database:         ${databasePath}`,
    `Conversations:    ${conversations}`,
    `Messages:         ${messages}`,
    `Last change:      ${lastChangeId}`,
    ...(hub ? [`Hub:              ${hubLine(hub)}`] : []),
    `Connected:        ${peers.length === 0 ? 'no other window' : ''}`,
  ];
  const windows = peers.map(({ editor, pid, version }) => `  ${editor} ${version} (pid ${pid})`);
  const facts = ingestFacts(ingest).map(([name, value]) => `${`${name}:`.padEnd(18)}${value}`);
  return [...lines, ...windows, ...facts].join('\n');
}

function hubLine({ url, state, waiting, problem }: HubStatus): string {
  return [`${state}, ${url}`, waiting > 0 && `${waiting} changes wait`, problem].filter(Boolean).join('; ');
}

export function conversations(list: Conversation[]): string {
  if (list.length === 0) return 'No conversations.';
  return list.map((conversation) => `${summary(conversation)}${states(conversation)}`).join('\n');
}

function summary({ id, title, lastSeq, updatedAt }: ConversationSummary): string {
  return `${id}  ${time(updatedAt)}  ${String(lastSeq).padStart(5)}  ${title || untitled}`;
}

function states({ pinnedAt, archivedAt, deletedAt, tags }: Conversation): string {
  const states = { pinned: pinnedAt, archived: archivedAt, deleted: deletedAt };
  const holding = Object.entries(states).filter(([, since]) => since !== null);
  return [...holding.map(([name]) => name), ...tags.map((tag) => `#${tag}`)].map((state) => `  (${state})`).join('');
}

/** The conversations of each workspace under its folders. */
export function histories(list: WorkspaceContents[]): string {
  if (list.length === 0) return 'No workspace has a chat history yet.';
  return list
    .map(({ workspace, conversations }) => {
      const lines = workspace.problem === null ? conversations.map(summary) : [workspace.problem];
      const title = `${workspace.id}  ${workspaceName(workspace)}`;
      return [title, ...(lines.length === 0 ? ['No conversations.'] : lines).map((line) => `  ${line}`)].join('\n');
    })
    .join('\n\n');
}

function workspaceName({ folders, formerFolders, isInUse }: WorkspaceSummary): string {
  if (folders.length > 0) return folders.join(', ');
  if (isInUse) return '(windows without a folder)';
  return formerFolders.length > 0 ? `(formerly ${formerFolders.join(', ')})` : '(no folder)';
}

export function relinked({ folder, workspace, former }: RelinkResult): string {
  if (former === workspace) return `${folder} uses this history already.`;
  return [
    `${folder} uses the history ${workspace} now.`,
    ...(former === null
      ? []
      : [`The one that it had is kept. To use it again: devchat --workspace "${folder}" relink ${former}`]),
    'Windows that are open on the folder keep the history they have until they are reloaded.',
  ].join('\n');
}

export function exported(files: Exported[]): string {
  if (files.length === 0) return 'No conversations.';
  return files.map(({ file }) => file).join('\n');
}

export function messages(list: Message[]): string {
  const live = list.filter(({ deletedAt }) => deletedAt === null);
  if (live.length === 0) return 'No messages.';
  return live
    .map(({ seq, role, author, createdAt, content }) => `#${seq} ${author ?? role}, ${time(createdAt)}\n${content}`)
    .join('\n\n');
}

export function hits(list: SearchHit[]): string {
  if (list.length === 0) return 'Nothing found.';
  return list
    .map(({ conversationId, title, seq, snippet }) => {
      return `${conversationId} #${seq}  ${title || untitled}\n  ${plainSnippet(snippet)}`;
    })
    .join('\n');
}

/** What the resync of one conversation has come to. */
export type ConversationResync = ResyncResult & { conversationId: string };

export function resyncs(list: ConversationResync[]): string {
  if (list.length === 0) return 'No conversations.';
  return list
    .map(({ conversationId, state, fetched, fetchedRanges }) => {
      const brought = fetched === 0 ? '' : `${fetched} fetched in ${fetchedRanges.length} ranges; `;
      return `${conversationId}  ${brought}${state === 'SYNCED' ? 'nothing is missing' : 'messages are missing'}`;
    })
    .join('\n');
}

export function verification({ problems, repaired }: VerifyResult): string {
  if (problems.length + repaired.length === 0) return 'Everything is in order.';
  return [...repaired.map((text) => `Mended: ${text}`), ...problems].join('\n');
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ');
}
