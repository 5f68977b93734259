import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Usage } from '../../../src/protocol/ingest.ts';
import { workspace } from './support.ts';

/** The bytes of a transcript, and what must come of them. */
export interface Corpus {
  bytes: Buffer;
  totals: {
    found: number;
    stored: number;
    duplicates: number;
    quarantined: number;
    bookkeeping: number;
    messages: number;
    usage: Usage;
  };
}

type Step =
  | { kind: 'prompt'; text: string }
  | { kind: 'answer'; texts: string[]; tokens: number[] }
  | { kind: 'again'; which: number }
  | { kind: 'garbage'; text: string }
  | { kind: 'mode' }
  | { kind: 'news' };

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constant('\u2028 "quoted" {"x":1} \\'),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('prompt' as const), text }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      texts: fc.uniqueArray(text, { minLength: 1, maxLength: 5 }),
      tokens: fc.array(fc.nat(500), { minLength: 5, maxLength: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('again' as const), which: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('garbage' as const),
      text: fc.constantFrom('x', '{"a":', '[1]', '7', '{]}'),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'mode' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'news' as const }) },
);

/** Transcripts of Claude Code made of prompts, answers in several records, repetitions, garbage and news. */
export function claudeCorpus(size: { minRecords?: number; maxRecords: number }): fc.Arbitrary<Corpus> {
  return fc.array(step, { minLength: size.minRecords ?? 1, maxLength: size.maxRecords, size: 'max' }).map(toCorpus);
}

/**
 * Writes three transcripts into a directory, the same every time.
 * @param records in each
 * @param adapt gives the text of each what belongs to its place
 * @returns how many records that are in all
 */
export function writeCorpora(
  directory: string,
  records: number,
  adapt: (text: string, index: number) => string,
): number {
  const size = { minRecords: records, maxRecords: records };
  const corpora = fc.sample(claudeCorpus(size), { numRuns: 3, seed: 7 });
  for (const [index, { bytes }] of corpora.entries()) {
    const text = bytes
      .toString()
      .replaceAll('"generated"', `"generated ${index}"`)
      .replaceAll('00000000-0000-4000', `00000000-000${index}-4000`);
    writeFileSync(join(directory, `${index}.jsonl`), adapt(text, index));
  }
  return corpora.reduce((sum, { totals }) => sum + totals.found, 0);
}

function toCorpus(steps: Step[]): Corpus {
  const lines: string[] = [];
  const records: string[] = [];
  const totals = { found: 0, stored: 0, duplicates: 0, quarantined: 0, bookkeeping: 0, messages: 0, usage: noUsage() };
  const add = (record: Record<string, unknown>) => {
    const uuid = `00000000-0000-4000-8000-${String(records.length).padStart(12, '0')}`;
    const envelope = {
      uuid,
      sessionId: 'generated',
      cwd: workspace,
      timestamp: new Date(1.77e12 + records.length).toISOString(),
    };
    const line = JSON.stringify({ ...envelope, ...record });
    records.push(line);
    lines.push(line);
    totals.found++;
    totals.stored++;
  };
  add({ type: 'user', message: { content: 'The first prompt' } });
  totals.messages++;
  for (const [index, one] of steps.entries()) {
    switch (one.kind) {
      case 'prompt':
        add({ type: 'user', message: { content: `Prompt: ${one.text}` } });
        totals.messages++;
        break;
      case 'answer':
        for (const [piece, said] of one.texts.entries()) {
          const usage = { input_tokens: 3, output_tokens: one.tokens[piece] ?? 0 };
          add({
            type: 'assistant',
            message: { id: `msg_${index}`, model: 'm', content: [{ type: 'text', text: said }], usage },
          });
        }
        totals.messages++;
        totals.usage.input += 3;
        totals.usage.output += Math.max(...one.tokens.slice(0, one.texts.length));
        break;
      case 'again':
        lines.push(records[one.which % records.length] ?? '');
        totals.found++;
        totals.duplicates++;
        break;
      case 'garbage':
        lines.push(one.text);
        totals.found++;
        totals.quarantined++;
        break;
      case 'mode':
        lines.push('{"type":"mode","mode":"plan"}');
        totals.bookkeeping++;
        break;
      case 'news':
        lines.push(`{"type":"news","index":${index}}`);
        totals.found++;
        totals.stored++;
        break;
    }
  }
  return { bytes: Buffer.from(`${lines.join('\n')}\n`), totals };
}

function noUsage(): Usage {
  return { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 };
}
