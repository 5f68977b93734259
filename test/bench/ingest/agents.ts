import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Notifications } from '../../../src/protocol/rpc.ts';
import { inFolder } from '../folder.ts';
import { startInstance } from '../instances.ts';
import { now } from '../propagation/messages.ts';
import { envelope, projectIn } from './corpus.ts';
import { close, commitAfter, settled, startHost } from './hosts.ts';

/** How often an agent writes a line, in ms, and how many. */
const INTERVAL = 50;
const LINES = 100;

/** What came of lines that were appended; latencies in ms, ascending. */
export interface Tail {
  /** From the append to the commit, where only one agent writes. */
  committed: number[];
  /** From the append to a sibling's client that has the row. */
  read: number[];
  /** Lines that arrived per second. */
  perSecond: number;
}

/** Measures lines of one agent, each appended when the one before has arrived. */
export function lineByLine(count: number): Promise<Tail> {
  return withAgents(1, async ({ append, arrivals, host }) => {
    const committed: number[] = [];
    for (let line = 1; line <= count; line++) {
      const appended = append(0);
      const [at] = await Promise.all([commitAfter(host, appended), arrivals(line + 1)]);
      committed.push((at - appended) / 1e6);
    }
    return committed.sort((a, b) => a - b);
  });
}

/** Measures agents that all write at once. */
export function together(agents: number): Promise<Tail> {
  return withAgents(agents, async ({ append, arrivals }) => {
    for (let line = 0; line < LINES; line++) {
      const next = delay(INTERVAL);
      for (let agent = 0; agent < agents; agent++) append(agent);
      await next;
    }
    await arrivals(agents * (LINES + 1));
    return [];
  });
}

/** Has one agent write lines, one each `interval` ms, whether anybody reads them or not. */
export async function appendLines(home: string, count: number, interval: number): Promise<void> {
  const begin = Date.now();
  for (let line = 0; line < count; line++) {
    await delay(Math.max(0, begin + line * interval - Date.now()));
    appendLine(home, 'active', line);
  }
}

function appendLine(home: string, agent: string, line: number): void {
  const uuid = `${agent.padStart(8, '0')}-0000-4000-8000-${String(line).padStart(12, '0')}`;
  const message = { role: 'user', content: `Line ${line} of agent ${agent}` };
  const record = { ...envelope(agent, uuid, Date.now()), type: 'user', message };
  appendFileSync(join(projectIn(home), `${agent}.jsonl`), `${JSON.stringify(record)}\n`);
}

interface Agents {
  host: Awaited<ReturnType<typeof startHost>>;
  /** Appends a prompt to an agent's transcript. @returns when, in ns */
  append(agent: number): number;
  /** Resolves when so many messages of all agents have arrived at the sibling. */
  arrivals(count: number): Promise<void>;
}

function withAgents(count: number, measure: (agents: Agents) => Promise<number[]>): Promise<Tail> {
  return inFolder(async (folder) => {
    const home = join(folder.database, '../agent');
    mkdirSync(projectIn(home), { recursive: true });
    const [host, sibling] = [await startHost(folder, home), await startInstance(folder)];
    await settled(host);
    const appended = Array.from({ length: count }, (): number[] => []);
    const agents = new Map<string, number>();
    const read: number[] = [];
    let arrived: () => void = () => undefined;
    sibling.client.events.on('change', ({ changes, conversations }: Notifications['change']) => {
      const at = now();
      for (const { id, externalId } of conversations) agents.set(id, Number(externalId));
      for (const { changeType, conversationId, seq } of changes) {
        const when = appended[agents.get(conversationId) ?? -1]?.[(seq ?? 0) - 1];
        if (changeType === 'MessageAdded' && when !== undefined) read.push((at - when) / 1e6);
      }
      arrived();
    });
    const arrivals = (enough: number) =>
      new Promise<void>((resolve) => {
        arrived = () => {
          if (read.length >= enough) resolve();
        };
        arrived();
      });
    const append = (agent: number) => {
      const times = appended[agent] ?? [];
      const at = now();
      times.push(at);
      appendLine(home, String(agent), times.length - 1);
      return at;
    };
    // Every file is known, and watched, before anything is measured.
    for (let agent = 0; agent < count; agent++) append(agent);
    await arrivals(count);
    const [first, started] = [read.length, performance.now()];
    const committed = await measure({ host, append, arrivals });
    const perSecond = ((read.length - first) * 1000) / (performance.now() - started);
    await sibling.client.dispose();
    await close(host);
    return { committed, read: read.slice(first).sort((a, b) => a - b), perSecond };
  });
}
