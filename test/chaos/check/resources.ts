import type { Event, Holdings } from '../history/event.ts';

/** Who leads or led has a timer more, and a backup's descriptor, which SQLite keeps until the database is closed. */
const LEADERS = 1;

type Holder = Pick<Event, 'proc' | 'op' | 'holdings' | 'remains' | 'strays'>;

/** Resources: at rest nobody holds more than one who has just come, and when all have ended nothing is left. */
export function resourcesAreReturned(history: readonly Holder[]): string[] {
  const resting = history.filter(({ op }) => op === 'rest');
  const baseline = resting.at(-1)?.holdings;
  return [
    ...resting.flatMap((holder) => (baseline ? excess(holder, baseline, resting.length) : [])),
    ...history.flatMap(leftovers),
  ];
}

/** What one holds too much. How many listeners a peer costs says who dialled whom. */
function excess({ proc, holdings }: Holder, baseline: Holdings, windows: number): string[] {
  const allowance = { descriptors: LEADERS, timers: LEADERS, listeners: windows };
  return (Object.keys(allowance) as (keyof typeof allowance)[])
    .filter((kind) => holdings && holdings[kind] > baseline[kind] + allowance[kind])
    .map((kind) => `${proc} holds ${holdings?.[kind]} ${kind}, but one that has just come ${baseline[kind]}`);
}

function leftovers({ remains, strays = 0 }: Holder): string[] {
  if (!remains) return [];
  const { sockets, peers, logSize } = remains;
  return [
    ...sockets.slice(strays).map((name) => `socket ${name} is left`),
    ...peers.map((id) => `${id} is still registered`),
    ...(logSize > 0 ? [`the write-ahead log is left with ${logSize} bytes`] : []),
  ];
}
