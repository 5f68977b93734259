import { homedir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { type Disposable, workspace } from 'vscode';
import type { InstanceClient } from '../../instance/client/instanceClient.ts';
import { IngestSettings } from '../../protocol/ingest.ts';
import type { Log } from '../../protocol/log.ts';
import { settings } from '../contributions.ts';

/** Beginning of the names of these settings. */
const GROUP = 'devchat.import';

/** Which transcripts the user wants in the history; values that mean nothing are as if they were not there. */
export function ingestSettings(): IngestSettings {
  const configuration = workspace.getConfiguration();
  const { entries } = IngestSettings;
  const read = <S extends v.GenericSchema>(name: string, schema: S): v.InferOutput<S> | undefined => {
    const value = v.safeParse(schema, configuration.get(name));
    return value.success ? value.output : undefined;
  };
  const directories = read(settings.importDirectories, entries.directories) ?? [];
  return v.parse(IngestSettings, {
    sources: read(settings.importSources, entries.sources),
    directories: directories.map(({ source, path }) => ({ source, path: withHome(path) })),
    redact: read(settings.importRedact, entries.redact),
    worktrees: read(settings.importWorktrees, entries.worktrees),
    polling: read(settings.importPolling, entries.polling),
    retentionDays: read(settings.importRetentionDays, entries.retentionDays),
  });
}

/** Tells the instance when the user wants something else; a new instance is told as it starts. */
export function followIngestSettings(client: InstanceClient, log: Log): Disposable {
  return workspace.onDidChangeConfiguration((event) => {
    if (!event.affectsConfiguration(GROUP) || client.state !== 'ready') return;
    client
      .request('ingest/configure', { settings: ingestSettings() })
      .catch((error: unknown) => log('warn', `import: the settings were not taken over: ${String(error)}`));
  });
}

function withHome(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
}
