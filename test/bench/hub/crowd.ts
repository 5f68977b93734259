import { setTimeout as delay } from 'node:timers/promises';
import { say } from '../../../scripts/lib/step.mjs';
import { percentile } from '../../support/paintLatency.ts';
import { ms, table, targetTable } from '../document.ts';
import { type MeasuredHub, newCrowd, withClients } from './measuredHub.ts';

/** Clients in one workspace: as many as a hub allows. */
const CLIENTS = 1000;

/** Messages that all of them follow. */
const MESSAGES = 20;

/** How long nothing is done, in ms: every client asks for a sign of life once in this time. */
const IDLE = 10_000;

/** Measures what many connected clients cost a hub, and how soon all of them have a change. */
export async function measureCrowd(hub: MeasuredHub): Promise<string[]> {
  say('  1,000 clients …');
  const tokens = await newCrowd(hub, CLIENTS);
  const alone = await hub.figures();
  return withClients(hub, tokens, async (request) => {
    const connected = await hub.figures();
    await delay(IDLE);
    const idle = await hub.figures();
    const arrivals = (await request({ type: 'follow', messages: MESSAGES })) as number[][];
    const busy = await hub.figures();
    const perClient = ({ rss }: { rss: number }) => (rss - alone.rss) / CLIENTS / 1024;
    const cpu = (100 * (idle.cpu - connected.cpu)) / IDLE;
    return describe({ arrivals, idle: perClient(idle), busy: perClient(busy), cpu });
  });
}

function describe({
  arrivals,
  idle,
  busy,
  cpu,
}: {
  arrivals: number[][];
  idle: number;
  busy: number;
  cpu: number;
}): string[] {
  const ascending = (list: number[]) => list.sort((a, b) => a - b);
  const each = ascending(arrivals.flat());
  const last = ascending(arrivals.map((times) => Math.max(...times)));
  const row = (what: string, list: readonly number[]) => [what, ms(percentile(list, 0.5)), ms(percentile(list, 0.99))];
  return [
    `${CLIENTS.toLocaleString('en')} clients in one workspace, all in one other process. One of them pushes ${MESSAGES} messages, each ` +
      'when all have pulled the one before.',
    '',
    ...table(
      ['from the push to the pulled change', 'median ms', 'p99 ms'],
      [row('each client', each), row('the last client', last)],
    ),
    '',
    ...table(
      ['the hub’s process', 'KiB for each client', 'of one core'],
      [
        ['idle', idle.toFixed(1), `${cpu.toFixed(2)} %`],
        ['after the messages', busy.toFixed(1), ''],
      ],
    ),
    ...targetTable([
      { target: 'at most 64 KiB for each idle client', measured: `${idle.toFixed(1)} KiB`, met: idle <= 64 },
      {
        target: 'the last client has a change within 5 s',
        measured: `${ms(last.at(-1) ?? Number.NaN)} ms`,
        met: (last.at(-1) ?? Number.NaN) <= 5000,
      },
    ]),
  ];
}
