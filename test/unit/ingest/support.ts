import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { commitBatch } from '../../../src/ingest/commit.ts';
import { readTranscript } from '../../../src/ingest/reader.ts';
import type { ReadRequest } from '../../../src/ingest/transcript.ts';
import type { Source } from '../../../src/protocol/ingest.ts';
import { Database } from '../../../src/store/database.ts';
import { findIngestFile } from '../../../src/store/ingestFiles.ts';
import { type LeaderRecord, takeOverLeadership } from '../../../src/store/leader.ts';
import { verify } from '../../../src/store/verify.ts';
import { origin } from '../../support/database.ts';

/** Where the agents of the fixtures worked. */
export const workspace = '/home/ada/engine';

export const fixtures = new URL('../../fixtures/transcripts/', import.meta.url).pathname;

/** Makes the test's instance the leader. */
export async function lead(db: Database): Promise<LeaderRecord> {
  const epoch = await takeOverLeadership(db, origin, 0);
  return { instanceId: origin, epoch: epoch ?? 0 };
}

/** Reads what is new in a file and stores it, as the product does but without its worker. */
export async function ingestFile(
  db: Database,
  leader: LeaderRecord,
  path: string,
  source: Source,
  options: Partial<ReadRequest> = {},
): Promise<void> {
  const known = findIngestFile(db, path);
  const request = {
    path,
    source,
    known,
    folders: [workspace],
    takeAll: false,
    redact: true,
    batchSize: 50,
    ...options,
  };
  for await (const batch of readTranscript(request)) await commitBatch(db, leader, { path, source }, batch);
}

/** Everything that transcripts have put into a database, as far as it does not depend on when they were read. */
export function contentsOf(db: Database) {
  const all = (sql: string) => db.sql(sql).all();
  return {
    conversations: all(
      `SELECT c.source, c.external_id, c.title, c.last_seq, c.created_at, c.updated_at, c.deleted_at, s.cwd, s.branch, s.model
       FROM conversations c LEFT JOIN ingest_sessions s USING (source, external_id) ORDER BY c.source, c.external_id`,
    ),
    messages: all(
      `SELECT c.external_id, m.seq, m.id, m.role, m.author, m.model, m.status, m.content, json(m.parts) AS parts,
         m.created_at, m.updated_at, m.deleted_at
       FROM messages m JOIN conversations c ON c.id = m.conversation_id ORDER BY c.source, c.external_id, m.seq`,
    ),
    shared: all(
      `SELECT c.external_id, m.message_id, m.after_seq FROM memberships m
       JOIN conversations c ON c.id = m.conversation_id ORDER BY c.external_id, m.rowid`,
    ),
    usage: all('SELECT * FROM usage ORDER BY key'),
    blobs: all('SELECT hash, size FROM blobs ORDER BY hash'),
    quarantine: all(
      `SELECT f.path, q.position, q.reason, q.size, q.beginning FROM ingest_quarantine q
       JOIN ingest_files f ON f.id = q.file_id ORDER BY f.path, q.position`,
    ).map((row) => ({ ...(row as object), path: basename((row as { path: string }).path) })),
    states: all('SELECT path, state FROM ingest_files ORDER BY path').map((row) => ({
      ...(row as object),
      path: basename((row as { path: string }).path),
    })),
    unknown: all('SELECT position, kind, raw FROM ingest_unknown ORDER BY kind, position'),
    counts: all(
      `SELECT path, found, stored, duplicates, quarantined, bookkeeping, conflicts, redacted FROM ingest_files
       ORDER BY path`,
    ).map((row) => ({ ...(row as object), path: basename((row as { path: string }).path) })),
  };
}

/** Checks that a database is sound, and that transcripts have put the same into it as into another one. */
export async function assertSameContents(path: string, expectedPath: string): Promise<void> {
  const [actual, expected] = [await Database.open(path, () => []), await Database.open(expectedPath, () => [])];
  try {
    assert.deepEqual(contentsOf(actual), contentsOf(expected));
    assert.deepEqual((await verify(actual, origin, false)).problems, []);
  } finally {
    await expected.close();
    await actual.close();
  }
}

/** A conversation as a person reads it, with the messages that it shares with others. */
export function readable(db: Database): string {
  const sections = db
    .sql(
      `SELECT c.id, c.title, c.source, c.external_id AS externalId, concat_ws(' · ', s.cwd, s.branch, s.model) AS place
       FROM conversations c LEFT JOIN ingest_sessions s USING (source, external_id) ORDER BY c.source, c.external_id`,
    )
    .all() as { id: string; title: string; source: string; externalId: string; place: string }[];
  return sections
    .map(
      ({ id, title, source, externalId, place }) =>
        `# ${title} (${source} ${externalId})\n${place}\n\n${messagesOf(db, id)}`,
    )
    .join('\n\n');
}

function messagesOf(db: Database, id: string): string {
  const rows = db
    .sql(
      `SELECT seq AS place, 0 AS shared, role, author, model, status, content, json(parts) AS parts FROM messages
         WHERE conversation_id = :id
       UNION ALL
       SELECT after_seq, s.rowid, role, author, model, status, content, json(parts) FROM memberships s
         JOIN messages m ON m.id = s.message_id WHERE s.conversation_id = :id
       ORDER BY 1, 2`,
    )
    .all({ id }) as Record<string, string | number | null>[];
  return rows
    .map(({ shared, role, author, model, status, content, parts }) => {
      const kinds = (JSON.parse(String(parts ?? '[]')) as { type: string }[]).map(({ type }) => type);
      const facts = [role, author, model, status === 'complete' ? null : status, shared ? 'shared' : null];
      const head = `## ${facts.filter((fact) => fact !== null).join(' · ')}${kinds.length > 0 ? ` [${kinds.join(', ')}]` : ''}`;
      return content === '' ? head : `${head}\n${content}`;
    })
    .join('\n\n');
}

export function textOf(name: string): string {
  return readFileSync(new URL(name, `file://${fixtures}`), 'utf8');
}
