import type { SyncStatus } from '../protocol/rpc.ts';

/** What is known for a report of a problem. No text of a message and no secret is among it. */
export interface Diagnostics {
  /** Names and versions of the programs involved, by what they are. */
  versions: Record<string, string>;
  state: string;
  problem: string | null;
  /** Null when the instance does not answer. */
  status: SyncStatus | null;
  conversations: number;
  unread: number;
  problems: readonly string[];
  /** The user's home directory, which is left out of all paths. */
  home: string;
}

/** A report in Markdown, in English, because those who read it may not speak the user's language. */
export function diagnosticsText({ versions, state, problem, status, problems, home, ...counts }: Diagnostics): string {
  const sections = [
    section('Versions', versions),
    section('Window', { state, problem, ...counts }),
    section('History', status && historyFacts(status)),
    section('Connected', Object.fromEntries(status?.peers.map(peerFact) ?? [])),
    `## Last problems\n\n${problems.map((line) => `- ${line}`).join('\n') || 'None.'}`,
  ];
  return `# DevChat diagnostics\n\n${sections.join('\n\n')}\n`.replaceAll(home, '~');
}

function historyFacts({ peers: _, leader, ...facts }: SyncStatus): Record<string, unknown> {
  const role = leader?.instanceId === facts.instanceId ? 'this window' : leader?.instanceId;
  return { ...facts, leader: leader ? `${role}, epoch ${leader.epoch}` : null };
}

function peerFact({ instanceId, editor, version, pid }: SyncStatus['peers'][number]): [string, string] {
  return [instanceId, `${editor} ${version}, process ${pid}`];
}

function section(title: string, facts: Record<string, unknown> | null): string {
  const lines = Object.entries(facts ?? {}).map(([name, value]) => `- ${name}: ${value ?? 'none'}`);
  return `## ${title}\n\n${lines.join('\n') || 'None.'}`;
}
