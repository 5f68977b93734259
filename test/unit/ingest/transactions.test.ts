import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Pace } from '../../../src/ingest/pace.ts';
import { readTranscript } from '../../../src/ingest/reader.ts';
import type { Batch } from '../../../src/ingest/transcript.ts';
import { VirtualClock } from '../../support/clock.ts';
import { useDatabases } from '../../support/database.ts';
import { ingestFile, lead, workspace } from './support.ts';

describe('a transaction of ingestion', () => {
  const databases = useDatabases();

  /** A transcript with answers of so many records each. */
  function writeAnswers(lengths: readonly number[]): string {
    const lines = lengths.flatMap((length, answer) =>
      Array.from({ length }, (_, piece) => {
        const content = [{ type: 'text', text: `Answer ${answer}, part ${piece}.` }];
        const base = { type: 'assistant', uuid: `u-${answer}-${piece}`, sessionId: 's', cwd: workspace };
        return JSON.stringify({ ...base, timestamp: '2026-03-01T10:00:00Z', message: { id: `m-${answer}`, content } });
      }),
    );
    const prompt = { type: 'user', uuid: 'p', sessionId: 's', cwd: workspace, message: { content: 'Go on.' } };
    const path = join(databases.directory.path, 'session.jsonl');
    writeFileSync(path, `${[...lines, JSON.stringify(prompt)].join('\n')}\n`);
    return path;
  }

  /** Sizes of the batches of a transcript, in records. */
  async function batchSizes(path: string, batchSize: number): Promise<number[]> {
    const request = { path, source: 'claude-code', known: undefined, folders: [workspace] } as const;
    const batches: Batch[] = [];
    for await (const batch of readTranscript({ ...request, takeAll: false, redact: true, batchSize }))
      batches.push(batch);
    return batches.map(({ records }) => records.length);
  }

  it('goes beyond its size to hold a whole message, but not beyond twice its size', async () => {
    assert.deepEqual(await batchSizes(writeAnswers([1]), 1), [2, 0]);
    assert.deepEqual(await batchSizes(writeAnswers([20]), 4), [8, 8, 5, 0]);
  });

  it('makes one segment of the search index, however many messages it stores', async () => {
    const db = await databases.open();
    const path = writeAnswers(Array.from({ length: 30 }, () => 1));
    await ingestFile(db, await lead(db), path, 'claude-code', { batchSize: 100 });
    const found = db.sql(`SELECT count(*) FROM message_index WHERE message_index MATCH 'part'`).pluck().get();
    // Segments are numbered, so this also counts those that were merged.
    const segments = db.sql('SELECT max(segid) FROM message_index_idx').pluck().get();
    assert.deepEqual([found, segments], [30, 1]);
  });

  it('becomes as large as its time allows, within bounds', () => {
    const pace = new Pace(new VirtualClock());
    /** Learns from transactions in which each record takes so many ms. */
    const settle = (perRecord: number, hasSiblings = true) => {
      for (let round = 0; round < 50; round++) pace.learn(pace.batchSize, pace.batchSize * perRecord, hasSiblings);
      return pace.batchSize;
    };
    const usual = settle(0.1);
    assert.ok(settle(0.05) > usual && settle(0.12) < usual);
    assert.ok(settle(0.1, false) > usual);
    assert.deepEqual([settle(10), settle(0)], [100, 1000]);
  });

  it('leaves as much time to siblings as it took', async () => {
    const clock = new VirtualClock();
    const pace = new Pace(clock);
    let isOver = false;
    const rest = pace.rest(20, true).then(() => (isOver = true));
    clock.advance(19);
    await setImmediate();
    assert.equal(isOver, false);
    clock.advance(1);
    await rest;
  });
});
