import assert from 'node:assert/strict';
import { v4 as uuid } from 'uuid';
import type { IngestCounts, IngestHealth, IngestReport } from '../../../src/protocol/ingest.ts';
import { textOf } from '../../../src/views/import/lines.ts';
import { reportLines } from '../../../src/views/import/reportLines.ts';
import { resumeCommand } from '../../../src/views/import/resume.ts';
import { statusLines } from '../../../src/views/import/statusLines.ts';

describe('the command that goes on with a session', () => {
  const id = uuid();

  it('is the agent’s own; of a subagent, that of its session', () => {
    const commands = ['claude-code', 'codex', 'gemini', 'copilot-cli'].map((source) =>
      resumeCommand({ source, externalId: id }),
    );
    assert.deepEqual(commands, [
      `claude --resume ${id}`,
      `codex resume ${id}`,
      `gemini --resume ${id}`,
      `copilot --resume ${id}`,
    ]);
    assert.equal(resumeCommand({ source: 'claude-code', externalId: `${id}/agent-1` }), `claude --resume ${id}`);
  });

  it('is none where there is no agent, or the id is not one that could be typed without harm', () => {
    const none = [
      ...['chat', 'vscode-chat', 'toString', '__proto__', ''].map((source) => ({ source, externalId: id })),
      ...[null, '', `${id} `, `${id}\n`, `${id};id`, `$(id)`, `${id}x`, '--help', `-${id}`, `/${id}`, `\`id\``].map(
        (externalId) => ({ source: 'codex', externalId }),
      ),
    ];
    for (const one of none) assert.equal(resumeCommand(one), undefined, JSON.stringify(one));
  });
});

describe('reports of transcripts', () => {
  const counts: IngestCounts = {
    ...{ found: 10, stored: 7, duplicates: 2, quarantined: 1 },
    ...{ bookkeeping: 3, conflicts: 0, redacted: 4 },
  };
  const log = { file: 'a.jsonl', fromPosition: 0, toPosition: 99, durationMs: 2, at: 0, ...counts };
  const report: IngestReport = {
    total: counts,
    files: [
      { ...counts, path: '/p/a.jsonl', source: 'codex', isComplete: true, isDeleted: false },
      { ...counts, path: '/p/b.jsonl', source: 'codex', isComplete: false, isDeleted: true },
    ],
    ...{ messages: 5, conversations: 2, usage: { input: 1, output: 2, cacheRead: 3, cacheWrite: 4, reasoning: 0 } },
    unknown: [{ source: 'codex', kind: 'news', count: 1 }],
    quarantine: [{ path: '/p/a.jsonl', position: 42, reason: 'not-json', size: 7 }],
    log: [log],
  };

  it('add up, and lead to the bytes that they tell of', () => {
    const lines = reportLines(report);
    const text = textOf(lines);
    assert.match(text, /^Records: 10 found = 7 stored \+ 2 duplicates \+ 1 quarantined\.$/m);
    assert.match(text, /^2 files kept, 1 already deleted at the source\.$/m);
    assert.match(text, /^- \/p\/b\.jsonl: 10 found = .*; not read to its end; deleted at the source$/m);
    const places = lines.flatMap(({ text: line, place }) =>
      place ? [[line.includes(place.path), place.position]] : [],
    );
    assert.deepEqual(places, [
      [true, 42],
      [true, 0],
    ]);
  });

  it('leave out what there is nothing of', () => {
    const text = textOf(reportLines({ ...report, unknown: [], quarantine: [], files: [] }));
    assert.doesNotMatch(text, /##/);
  });

  it('say how reading is doing, and why it does less well than it could', () => {
    const health: IngestHealth = {
      ...{ state: 'bulk', filesWatched: 2, filesKnown: 3, filesWaiting: 1, progress: { done: 1, total: 4 } },
      lastEvents: [{ file: 'a.jsonl', event: 'change', at: 0 }],
      ...{ eventsPerMinute: 6, meanProcessingMs: 1.25, lag: { codex: 12.3 }, quarantined: 1, unknown: 2, redacted: 4 },
      degraded: [{ mode: 'polling', text: 'Only looked at now and then.' }],
    };
    const status = {
      ...{ instanceId: 'i', databasePath: '/db', dbEpoch: 'e', lastChangeId: 8, peers: [], conversations: 2 },
      ...{ leader: { instanceId: 'i', epoch: 1 }, messages: 5, readOnly: null, hub: null },
    };
    const text = textOf(statusLines({ status, ingest: health, log: report.log }));
    for (const line of [
      '- Leader: this window',
      '- Transcripts: bulk; 3 files known, 2 watched, 1 waiting (25 % of their bytes read)',
      '- Events: 6 in the last minute',
      '- Last event: 1970-01-01T00:00:00.000Z change a.jsonl',
      '- Time per batch: 1.3 ms on average',
      '- Lag: codex 12 ms',
      '- Degraded: Only looked at now and then.',
      '- 1970-01-01T00:00:00.000Z a.jsonl, bytes 0 to 99: 10 found, 7 stored, 2 ms',
    ]) {
      assert.ok(text.split('\n').includes(line), line);
    }
    const unseen = { ...health, progress: { done: 0, total: 0 } };
    assert.match(textOf(statusLines({ status, ingest: unseen, log: [] })), /1 waiting \(0 % of their bytes read\)/);
    assert.match(textOf(statusLines({ status, ingest: null, log: [] })), /^- Transcripts: none are read$/m);
  });
});
