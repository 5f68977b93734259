// Measures what the product promises beside what bounds it and what others do, and writes docs/benchmarks.md.
//   npm run bench [-- part …]     only these parts; the document keeps its other sections
//   npm run bench -- --long       the largest sizes too, which take minutes
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, runMain, ScriptError, say } from '../../scripts/lib/step.mjs';
import { replaceSections, type Section } from './document.ts';
import * as growth from './growth.ts';
import * as hub from './hub.ts';
import * as idle from './idle.ts';
import * as ingest from './ingest.ts';
import * as painting from './painting.ts';
import * as panel from './panel.ts';
import * as propagation from './propagation.ts';
import * as streaming from './streaming.ts';
import * as throughput from './throughput.ts';

/** What is measured under one name. */
interface Part {
  title: string;
  measure(options: { long: boolean }): Promise<Section>;
}

const parts: Record<string, Part> = { propagation, painting, throughput, growth, idle, ingest, streaming, panel, hub };
const path = join(root, 'docs', 'benchmarks.md');
const pictures = join(root, 'docs', 'benchmarks');

/** Load average above which the machine does something else as well. */
const BUSY = 0.5;

await runMain(async () => {
  const { values, positionals: names } = parseArgs({
    options: { long: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const unknown = names.filter((name) => !Object.hasOwn(parts, name));
  if (unknown.length > 0) {
    throw new ScriptError(`No part is called ${unknown.join(', ')}. Parts: ${Object.keys(parts).join(', ')}`);
  }
  const [load = 0] = loadavg();
  const busy = load > BUSY ? ['', `Measured while the machine was busy (load average ${load.toFixed(1)} before).`] : [];
  const sections: Section[] = [];
  for (const [name, { measure }] of Object.entries(parts)) {
    if (names.length > 0 && !names.includes(name)) continue;
    say(`Measuring: ${name} …`);
    const section = await measure(values);
    section.lines.push(...busy);
    say(`\n${section.title}\n\n${section.lines.join('\n')}\n`);
    sections.push(section);
  }
  const titles = Object.values(parts).map(({ title }) => title);
  const document = replaceSections(readFileSync(path, 'utf8'), titles, sections);
  if (!document) {
    say('docs/benchmarks.md holds figures of another machine or runtime, and stays as it is.');
    return;
  }
  writeFileSync(path, document);
  mkdirSync(pictures, { recursive: true });
  for (const [name, svg] of sections.flatMap((section) => [...(section.pictures ?? [])])) {
    writeFileSync(join(pictures, name), svg);
  }
});
