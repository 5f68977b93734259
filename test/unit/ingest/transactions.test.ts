import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import * as v from 'valibot';
import { startIngest } from '../../../src/ingest/ingest.ts';
import { Pace } from '../../../src/ingest/pace.ts';
import { readTranscript } from '../../../src/ingest/reader.ts';
import type { Batch } from '../../../src/ingest/transcript.ts';
import { IngestSettings } from '../../../src/protocol/ingest.ts';
import { VirtualClock } from '../../support/clock.ts';
import { createTestConversation, useDatabases } from '../../support/database.ts';
import { ingestFile, lead, workspace } from './support.ts';

describe('a transaction of ingestion', () => {
  const databases = useDatabases();

  /** A transcript with answers of so many records each. */
  function writeAnswers(lengths: readonly number[], session = 'session'): string {
    const lines = lengths.flatMap((length, answer) =>
      Array.from({ length }, (_, piece) => {
        const content = [{ type: 'text', text: `Answer ${answer}, part ${piece}.` }];
        const base = { type: 'assistant', uuid: `u-${answer}-${piece}`, sessionId: session, cwd: workspace };
        return JSON.stringify({ ...base, timestamp: '2026-03-01T10:00:00Z', message: { id: `m-${answer}`, content } });
      }),
    );
    const prompt = { type: 'user', uuid: 'p', sessionId: session, cwd: workspace, message: { content: 'Go on.' } };
    const path = join(databases.directory.path, `${session}.jsonl`);
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
    const settle = (perRecord: number) => {
      for (let round = 0; round < 50; round++) pace.learn(500, 500 * perRecord);
      return pace.batchSize(true);
    };
    const usual = settle(0.05);
    assert.ok(settle(0.04) > usual && settle(0.06) < usual);
    assert.ok(pace.batchSize(false) > pace.batchSize(true));
    assert.deepEqual([settle(10), settle(0)], [100, 1000]);
  });

  it('is short when somebody has just written here', async () => {
    const db = await databases.open();
    const leader = await lead(await databases.open());
    const [settings, answers] = [v.parse(IngestSettings, { redact: false }), Array.from({ length: 500 }, () => 1)];
    const ingest = await startIngest({
      ...{ db, leader, settings, folders: [], home: databases.directory.path, env: {} },
      ...{ log: () => undefined, onCommitted: () => undefined },
    });
    databases.directory.defer(() => ingest.close());
    /** How many transactions it takes to store a transcript. */
    const transactions = async (session: string) => {
      await ingest.import([writeAnswers(answers, session)]);
      return db.sql('SELECT count(*) FROM ingest_log WHERE file = ? AND found > 0').pluck().get(`${session}.jsonl`);
    };
    assert.equal(await transactions('undisturbed'), 1);
    await createTestConversation(db);
    assert.equal(await transactions('disturbed'), 3);
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
