import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Source } from '../../../src/protocol/ingest.ts';
import { useDatabases } from '../../support/database.ts';
import { contentsOf, fixtures, ingestFile, lead, readable } from './support.ts';

/** The fixtures of each agent, in the order in which they are read. */
const transcripts: Record<Source, string[]> = {
  'claude-code': ['session', 'fork', 'agent-a1b2c3d', 'pitfalls', 'blocks'].map((name) => `claude/${name}.jsonl`),
  codex: [
    'codex/rollout-2025-08-01T10-00-00-cf4def41-0000-4000-8000-00000000c01d.jsonl',
    'codex/rollout-2026-03-01T10-00-00-019c0000-0000-7000-8000-00000000c0de.jsonl',
    'codex/rollout-2026-03-01T11-00-00-019c0000-0000-7000-8000-00000000f04c.jsonl',
  ],
  gemini: ['2026-03-01T10-00-6666.jsonl', '2026-02-01T10-00-6667.json'].map(
    (name) => `gemini/engine/chats/session-${name}`,
  ),
  'copilot-cli': ['copilot/77770000-0000-4000-8000-000000000001/events.jsonl'],
  'vscode-chat': ['1.json', '2.jsonl'].map(
    (end) => `vscode/abc123/chatSessions/44440000-0000-4000-8000-00000000000${end}`,
  ),
};

describe('transcript adapters', () => {
  const databases = useDatabases();

  for (const [source, files] of Object.entries(transcripts) as [Source, string[]][]) {
    it(`make of ${source} what a person would read in it`, async () => {
      const db = await databases.open();
      const leader = await lead(db);
      for (const file of files) await ingestFile(db, leader, join(fixtures, file), source);
      const { usage, blobs, counts, unknown, quarantine } = contentsOf(db);
      const facts = [...usage, ...blobs, ...counts, ...unknown, ...quarantine].map(inOneLine).join('\n');
      assertGolden(join(fixtures, `${source}.golden.md`), `${readable(db)}\n\n---\n\n${facts}\n`);
    });
  }
});

function inOneLine(row: unknown): string {
  const told = Object.entries(row as object).filter(([name]) => !/^(?:key|conversation_id|message_id|raw)$/.test(name));
  return `- ${told.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', ')}`;
}

/** Compares with a file; `UPDATE_GOLDEN=1` writes it instead, to be read before it is committed. */
function assertGolden(path: string, actual: string): void {
  if (process.env['UPDATE_GOLDEN']) writeFileSync(path, actual);
  assert.equal(actual, readFileSync(path, 'utf8'));
}
