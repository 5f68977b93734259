import type { IngestHealth, IngestLogEntry } from '../../protocol/ingest.ts';
import { ingestFacts } from '../../protocol/ingestFacts.ts';
import type { SyncStatus } from '../../protocol/rpc.ts';
import { type Line, section } from './lines.ts';

/** What is known of how the history of a window stands. */
export interface Standing {
  status: SyncStatus;
  ingest: IngestHealth | null;
  /** The last transactions of ingestion, newest first. */
  log: readonly IngestLogEntry[];
}

/** How the history stands, and how transcripts get into it, in English, like all reports. */
export function statusLines({ status, ingest, log }: Standing): Line[] {
  const { databasePath, conversations, messages, lastChangeId, peers, leader, instanceId, readOnly } = status;
  const leads = leader?.instanceId === instanceId ? 'this window' : (leader?.instanceId ?? 'nobody yet');
  return [
    { text: '# Sync status' },
    ...section('History', [
      `- Database: ${databasePath}`,
      `- Conversations: ${conversations}, with ${messages} messages`,
      `- Last change: ${lastChangeId}`,
      `- Saving: ${readOnly ?? 'possible'}`,
      `- Leader: ${leads}`,
      ...peers.map(({ editor, version, pid }) => `- Connected: ${editor} ${version}, process ${pid}`),
    ]),
    ...section(
      'Transcripts',
      ingestFacts(ingest).map(([name, value]) => `- ${name}: ${value}`),
    ),
    ...section(
      'Last transactions',
      log.map(({ at, file, fromPosition, toPosition, found, stored, durationMs }) => {
        const bytes = `bytes ${fromPosition} to ${toPosition}`;
        return `- ${new Date(at).toISOString()} ${file}, ${bytes}: ${found} found, ${stored} stored, ${durationMs} ms`;
      }),
    ),
  ];
}
