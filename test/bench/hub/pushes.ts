import { say } from '../../../scripts/lib/step.mjs';
import { percentile } from '../../support/paintLatency.ts';
import { ms, table, targetTable, times } from '../document.ts';
import { commitRate } from './floor.ts';
import { type MeasuredHub, newCrowd, withClients } from './measuredHub.ts';

/** How long is pushed, in ms. */
const DURATION = 3000;

/** Clients that share one workspace. */
const CROWD = 100;

const SETTINGS = [
  { name: '1 workspace', workspaces: 1, clients: 1 },
  { name: '10 workspaces', workspaces: 10, clients: 1 },
  { name: '100 workspaces', workspaces: 100, clients: 1 },
  { name: `1 workspace with ${CROWD} clients`, workspaces: 1, clients: CROWD },
];

/** Measures how many pushes a hub takes together, in many workspaces and in one. */
export async function measurePushes(hub: MeasuredHub): Promise<string[]> {
  const rows: Awaited<ReturnType<typeof measureSetting>>[] = [];
  for (const setting of SETTINGS) rows.push(await measureSetting(hub, setting));
  const hot = rows.at(-1)?.perSecond ?? Number.NaN;
  return [
    'Pushes of one message each. A client sends the next one when the one before is acknowledged; one client in each ' +
      'workspace, or all in one. The floor is as many writers that commit one row, over as many connections as the hub has. ' +
      'In one workspace, each push is hinted to all clients. The limit of frames per second is off.',
    '',
    ...table(
      ['pushes', 'per second', 'floor', '× floor', 'median ms', 'p99 ms'],
      rows.map(({ name, perSecond, floor, waits }) => [
        name,
        Math.round(perSecond),
        Math.round(floor),
        times(perSecond / floor),
        ms(percentile(waits, 0.5)),
        ms(percentile(waits, 0.99)),
      ]),
    ),
    ...targetTable([
      {
        target: `${CROWD} clients of one workspace together at least one push a second of each`,
        measured: `${Math.round(hot)} a second`,
        met: hot >= CROWD,
      },
    ]),
  ];
}

async function measureSetting(hub: MeasuredHub, { name, workspaces, clients }: (typeof SETTINGS)[number]) {
  say(`  pushes: ${name} …`);
  const tokens: string[] = [];
  for (let index = 0; index < workspaces; index++) tokens.push(...(await newCrowd(hub, clients)));
  const waits = await withClients(hub, tokens, (request) => {
    return request({ type: 'push', until: Date.now() + DURATION }) as Promise<number[]>;
  });
  const floor = await commitRate(hub.ownerUrl, tokens.length, DURATION);
  return { name, perSecond: waits.length / (DURATION / 1000), floor, waits: waits.sort((a, b) => a - b) };
}
