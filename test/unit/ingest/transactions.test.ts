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
import { registerPeer } from '../../../src/store/peers.ts';
import { VirtualClock } from '../../support/clock.ts';
import { createTestConversation, useDatabases } from '../../support/database.ts';
import { introduce } from '../../support/peers.ts';
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

  it('merges the search index evenly where it adds much to it, and leaves that to the index else', async () => {
    const db = await databases.open();
    const leader = await lead(db);
    const merged = () => db.sql(`SELECT v FROM message_index_config WHERE k = 'usermerge'`).pluck().get();
    await ingestFile(db, leader, writeAnswers([1, 1, 1], 'short'), 'claude-code');
    assert.equal(merged(), undefined);
    await ingestFile(db, leader, writeAnswers(Array.from({ length: 30 }, () => 1)), 'claude-code');
    assert.equal(merged(), 8);
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

  describe('of a running ingestion', () => {
    /** Ingestion by a connection that has written nothing yet, and what it does after each commit. */
    async function setUp() {
      const db = await databases.open();
      const leader = await lead(await databases.open());
      const hooks = { committed: (): unknown => undefined };
      const settings = v.parse(IngestSettings, { redact: false });
      const ingest = await startIngest({
        ...{ db, leader, settings, folders: [], home: databases.directory.path, env: {} },
        ...{ log: () => undefined, onCommitted: () => void hooks.committed() },
      });
      databases.directory.defer(() => ingest.close());
      /** How many records were found by each transaction that stores a transcript of short answers. */
      const sizes = async (session: string, answers: number) => {
        await ingest.import([writeAnswers(Array(answers).fill(1), session)]);
        const found = db.sql('SELECT found FROM ingest_log WHERE file = ? AND found > 0 ORDER BY id').pluck();
        return found.all(`${session}.jsonl`) as number[];
      };
      return { db, hooks, sizes };
    }

    it('is long while nobody else writes', async () => {
      const { sizes } = await setUp();
      assert.deepEqual(await sizes('undisturbed', 450), [451]);
    });

    it('is short when somebody has just written here', async () => {
      const { db, sizes } = await setUp();
      await createTestConversation(db);
      assert.deepEqual(await sizes('disturbed', 450), [200, 200, 51]);
    });

    it('is short among siblings', async () => {
      const { sizes } = await setUp();
      const other = await databases.open();
      for (const endpoint of ['one', 'another']) {
        await registerPeer(other, { ...introduce(endpoint), endpoint, startedAt: 0 });
      }
      assert.deepEqual(await sizes('shared', 450), [200, 200, 51]);
    });

    it('becomes short in the middle of a transcript', async () => {
      const { db, hooks, sizes } = await setUp();
      hooks.committed = () => {
        hooks.committed = () => undefined;
        return createTestConversation(db);
      };
      // Three more may have been prepared before.
      const [first = 0, , , , fifth = 0] = await sizes('disturbed', 3000);
      assert.ok(0 < fifth && fifth < first, `${first}, and later ${fifth}`);
    });
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
