import * as v from 'valibot';

/** Longest text of one attachment, and of all attachments of a message, in UTF-16 code units. */
export const MAX_ATTACHMENT = 50_000;
export const MAX_ATTACHMENTS = 200_000;

/** Most problems that one attachment lists. */
export const MAX_PROBLEMS = 100;

const common = {
  /** What is sent of it. */
  text: v.string(),
  /** How much was left out because it was too long, in UTF-16 code units. */
  omitted: v.number(),
};
const source = { /** Relative to the workspace folder. */ path: v.string(), language: v.string() };

/** What the user gave a message along, exactly as it was sent. */
export const Attachment = v.variant('kind', [
  /** Lines count from 1, both ends inclusive. */
  v.object({ kind: v.literal('selection'), ...source, startLine: v.number(), endLine: v.number(), ...common }),
  v.object({ kind: v.literal('file'), ...source, ...common }),
  v.object({ kind: v.literal('problems'), ...common }),
  v.object({ kind: v.literal('terminal'), name: v.string(), ...common }),
]);
export type Attachment = v.InferOutput<typeof Attachment>;
type AttachmentOf<K extends Attachment['kind']> = Extract<Attachment, { kind: K }>;

/** One thing that a compiler or linter reports; its line counts from 1. */
export interface Problem {
  path: string;
  line: number;
  severity: 'error' | 'warning' | 'information' | 'hint';
  message: string;
}

/** The selected lines of a file. */
export function selectionAttachment(
  selection: Omit<AttachmentOf<'selection'>, 'kind' | 'omitted'>,
): AttachmentOf<'selection'> {
  return { kind: 'selection', ...selection, ...beginning(selection.text) };
}

/** A whole file, or its beginning. */
export function fileAttachment(file: Omit<AttachmentOf<'file'>, 'kind' | 'omitted'>): AttachmentOf<'file'> {
  return { kind: 'file', ...file, ...beginning(file.text) };
}

/** What is reported about the workspace, the worst first. */
export function problemsAttachment(problems: readonly Problem[]): AttachmentOf<'problems'> {
  const severities: readonly Problem['severity'][] = ['error', 'warning', 'information', 'hint'];
  const lines = [...problems]
    .sort((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity))
    .map(({ path, line, severity, message }) => `${path}:${line}: ${severity}: ${message.replace(/\s+/gu, ' ')}`);
  const kept = beginning(lines.slice(0, MAX_PROBLEMS).join('\n'));
  const left = lines.slice(MAX_PROBLEMS).join('\n').length;
  return { kind: 'problems', text: kept.text, omitted: kept.omitted + left };
}

/** The text selected in a terminal, or its end, where results stand. */
export function terminalAttachment(name: string, text: string): AttachmentOf<'terminal'> {
  const kept = text.slice(-MAX_ATTACHMENT);
  // Half a character at the cut would be stored as another one.
  const whole = /^[\uDC00-\uDFFF]/u.test(kept) ? kept.slice(1) : kept;
  return { kind: 'terminal', name, text: whole, omitted: text.length - whole.length };
}

/** How much attachments hold, in UTF-16 code units; a message takes {@link MAX_ATTACHMENTS}. */
export function attachedLength(attachments: readonly Attachment[]): number {
  return attachments.reduce((length, { text }) => length + text.length, 0);
}

/** A message's text as a model reads it: what is attached first, each with its origin, then the user's words. */
export function withAttachments(content: string, attachments: readonly Attachment[]): string {
  return [...attachments.map(describe), content].filter((text) => text !== '').join('\n\n');
}

function describe(attachment: Attachment): string {
  const { text, omitted } = attachment;
  const language = 'language' in attachment ? attachment.language : '';
  const left = omitted > 0 ? ` (${omitted} more characters left out)` : '';
  const fence = '`'.repeat(Math.max(3, ...[...text.matchAll(/`+/gu)].map(([run]) => run.length + 1)));
  return `${titleOf(attachment)}${left}:\n${fence}${language}\n${text}\n${fence}`;
}

/** Where an attachment comes from, as a model reads it. */
export function titleOf(attachment: Attachment): string {
  switch (attachment.kind) {
    case 'selection':
      return `Lines ${attachment.startLine}–${attachment.endLine} of ${attachment.path}`;
    case 'file':
      return `The file ${attachment.path}`;
    case 'problems':
      return 'Problems reported in the workspace';
    case 'terminal':
      return `Output of the terminal “${attachment.name}”`;
  }
}

function beginning(text: string): { text: string; omitted: number } {
  const kept = text.slice(0, MAX_ATTACHMENT);
  const whole = /[\uD800-\uDBFF]$/u.test(kept) ? kept.slice(0, -1) : kept;
  return { text: whole, omitted: text.length - whole.length };
}
