import type { IngestReport } from '../../protocol/ingest.ts';
import { ingestSum } from '../../protocol/ingestFacts.ts';
import { type Line, section } from './lines.ts';

/** What became of every record that was ever read, in English, like all reports. */
export function reportLines(report: IngestReport): Line[] {
  const { total, files, conversations, messages, usage, unknown, quarantine } = report;
  const deleted = files.filter(({ isDeleted }) => isDeleted).length;
  return [
    { text: '# Import report' },
    { text: '' },
    { text: `Records: ${ingestSum(total)}.` },
    { text: `${conversations} conversations with ${messages} messages, from ${files.length} files.` },
    { text: `${files.length} files kept, ${deleted} already deleted at the source.` },
    {
      text: `Tokens: ${usage.input} in, ${usage.output} out, ${usage.cacheRead} from a cache, ${usage.cacheWrite} into it.`,
    },
    { text: `Secrets replaced: ${total.redacted}. Records that contradict an earlier copy: ${total.conflicts}.` },
    ...section(
      'Quarantined',
      quarantine.map(({ path, position, reason, size }) => ({
        text: `- ${path}:${position} ${reason}, ${size} bytes`,
        place: { path, position },
      })),
    ),
    ...section(
      'Unknown kinds of records, kept as they are',
      unknown.map(({ source, kind, count }) => `- ${source} ${kind}: ${count}`),
    ),
    ...section(
      'Files',
      files.map(({ path, isComplete, isDeleted, ...counts }) => {
        const states = [!isComplete && 'not read to its end', isDeleted && 'deleted at the source'].filter(Boolean);
        const text = [`- ${path}: ${ingestSum(counts)}`, ...states].join('; ');
        return isDeleted ? { text } : { text, place: { path, position: 0 } };
      }),
    ),
  ];
}
