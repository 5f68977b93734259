import { createReadStream } from 'node:fs';
import {
  type CancellationToken,
  Disposable,
  DocumentLink,
  EventEmitter,
  languages,
  Range,
  Uri,
  window,
  workspace,
} from 'vscode';
import type { InstanceClient } from '../../instance/client/instanceClient.ts';
import { type BytePlace, type Line, textOf } from './lines.ts';
import { reportLines } from './reportLines.ts';
import { statusLines } from './statusLines.ts';

const SCHEME = 'devchat-report';

/** How often at most a report that is open follows what happens, in ms. */
const REFRESH_INTERVAL = 1000;

/** The reports, by the names of their documents. */
const reports: Record<string, (client: InstanceClient) => Promise<Line[]>> = {
  'import-report.md': async (client) => reportLines(await client.request('ingest/report', {})),
  'sync-status.md': async (client) => {
    const status = await client.request('sync/status', {});
    const ingest = await client.request('ingest/status', {});
    const { log } = await client.request('ingest/log', {});
    return statusLines({ status, ingest, log });
  },
};

const changed = new EventEmitter<Uri>();

/** Registers the reports as documents for reading, whose lines lead to the bytes that they tell of. */
export function registerReports(client: InstanceClient): Disposable {
  const shown = new Map<string, Line[]>();
  let refreshing: NodeJS.Timeout | undefined;
  const refresh = () => {
    refreshing = undefined;
    if (client.state === 'ready') for (const { uri } of openReports()) changed.fire(uri);
  };
  const refreshSoon = () => {
    if (openReports().length > 0) refreshing ??= setTimeout(refresh, REFRESH_INTERVAL);
  };
  client.events.on('ingest', refreshSoon).on('status', refreshSoon);
  return Disposable.from(
    workspace.registerTextDocumentContentProvider(SCHEME, {
      onDidChange: changed.event,
      provideTextDocumentContent: async (uri) => {
        const lines = (await reports[uri.path]?.(client)) ?? [];
        shown.set(uri.path, lines);
        return textOf(lines);
      },
    }),
    languages.registerDocumentLinkProvider(
      { scheme: SCHEME },
      {
        provideDocumentLinks: ({ uri }) => (shown.get(uri.path) ?? []).flatMap(toLink),
        resolveDocumentLink: (link: PlaceLink, token) => resolve(link, token),
      },
    ),
    new Disposable(() => {
      clearTimeout(refreshing);
      client.events.off('ingest', refreshSoon).off('status', refreshSoon);
    }),
  );
}

/** Shows a report as it is now. */
export async function showReport(name: 'import-report.md' | 'sync-status.md'): Promise<void> {
  const uri = Uri.from({ scheme: SCHEME, path: name });
  changed.fire(uri);
  await window.showTextDocument(await workspace.openTextDocument(uri), { preview: true });
}

function openReports() {
  return workspace.textDocuments.filter(({ uri, isClosed }) => uri.scheme === SCHEME && !isClosed);
}

/** A link whose line in the file is looked for only when somebody follows it. */
class PlaceLink extends DocumentLink {
  readonly place: BytePlace;

  constructor(range: Range, place: BytePlace) {
    super(range);
    this.place = place;
  }
}

function toLink({ text, place }: Line, line: number): PlaceLink[] {
  if (!place) return [];
  const start = text.indexOf(place.path);
  return [new PlaceLink(new Range(line, start, line, text.length), place)];
}

async function resolve(link: PlaceLink, token: CancellationToken): Promise<PlaceLink> {
  const { path, position } = link.place;
  const line = await lineAt(path, position, token);
  link.target = Uri.file(path).with({ fragment: `L${line}` });
  return link;
}

/** The number of the line that a byte of a file is in, from 1. */
async function lineAt(path: string, position: number, token: CancellationToken): Promise<number> {
  let line = 1;
  if (position === 0) return line;
  for await (const chunk of createReadStream(path, { end: position - 1 })) {
    if (token.isCancellationRequested) break;
    for (const byte of chunk as Buffer) if (byte === 0x0a) line++;
  }
  return line;
}
