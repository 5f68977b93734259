import { resolve } from 'node:path';
import * as v from 'valibot';
import { DevChatError } from '../protocol/errors.ts';
import { type ImportResult, type IngestReport, IngestSettings } from '../protocol/ingest.ts';
import { ingestSum, percentRead } from '../protocol/ingestFacts.ts';
import type { Notifications } from '../protocol/rpc.ts';
import { type Place, withLeadership } from './history.ts';

/** What an import has come to, and an account of all that was ever imported. */
export interface Imported extends IngestReport {
  imported: ImportResult;
}

/**
 * Imports files and folders, or what the agents have written in the workspace: as the leader, or through the one that
 * there is.
 * @throws {DevChatError} `not-found`, `bad-request`
 */
export async function importTranscripts(
  place: Place,
  paths: readonly string[],
  print: (imported: Imported) => void,
): Promise<void> {
  if (place.db !== undefined && paths.length === 0) {
    throw new DevChatError('bad-request', 'With --db, name the files or folders to import.');
  }
  const settings = v.parse(IngestSettings, paths.length === 0 ? {} : { sources: [] });
  await withLeadership(
    place,
    settings,
    async (instance) => {
      const wanted = paths.length === 0 ? {} : { paths: paths.map((path) => resolve(path)) };
      const imported = await instance.handle('ingest/import', wanted);
      print({ imported, ...(await instance.handle('ingest/report', {})) });
    },
    (name, params) => {
      if (name === 'ingest' && process.stderr.isTTY) showProgress(params as Notifications['ingest']);
    },
  );
}

export function importText({ imported, files, quarantine, conversations, messages }: Imported): string {
  const deleted = files.filter(({ isDeleted }) => isDeleted).length;
  return [
    `Imported:  ${imported.files} files; records: ${ingestSum(imported)}`,
    `In all:    ${conversations} conversations with ${messages} messages, from ${files.length} files`,
    `Kept:      ${deleted} of these files are already deleted at the source`,
    ...quarantine.map(({ path, position, reason, size }) => `${path}, byte ${position}: ${reason} (${size} bytes)`),
  ].join('\n');
}

function showProgress({ health }: Notifications['ingest']): void {
  if (health?.state !== 'bulk') return;
  process.stderr.write(`\rReading transcripts: ${percentRead(health)} %, ${health.filesWaiting} files left `);
}
