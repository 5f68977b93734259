import { say } from '../../../scripts/lib/step.mjs';
import { ms, table, targetTable, times } from '../document.ts';
import { inFolder } from '../folder.ts';
import { catchUp } from './catchUp.ts';
import { fillMessages } from './fill.ts';
import { type MeasuredHub, newWorkspace } from './measuredHub.ts';

const CONVERSATIONS = 20;
const MESSAGES = 5000;

/** Measures how a replica that has nothing fetches a large history. */
export async function measureColdSync(hub: MeasuredHub): Promise<string[]> {
  const all = CONVERSATIONS * MESSAGES;
  say(`  ${all.toLocaleString('en')} messages from nothing …`);
  const { id, token } = await newWorkspace(hub);
  const own = await fillMessages(hub.owner, id, { conversations: CONVERSATIONS, messages: MESSAGES });
  const before = await hub.figures();
  const { took, usual, longest } = await inFolder(({ database }) =>
    catchUp({ path: database, url: hub.url, token, sequence: CONVERSATIONS * (MESSAGES + 1) }),
  );
  const bytes = (await hub.figures()).sent - before.sent;
  return [
    `A new machine and ${CONVERSATIONS} conversations of ${MESSAGES.toLocaleString('en')} messages, whose events are cleaned up.`,
    '',
    ...table(
      ['from nothing', 'messages', 's', 'per second', 'MiB from the hub', '× the messages’ own'],
      [
        [
          'all histories',
          all,
          (took / 1000).toFixed(1),
          Math.round((all / took) * 1000),
          (bytes / 2 ** 20).toFixed(1),
          times(bytes / own),
        ],
      ],
    ),
    ...targetTable([
      {
        target: 'event loop never blocked for more than 20 ms meanwhile',
        measured: `${ms(longest)} ms, ${ms(usual)} ms in 99 % of the time`,
        met: longest <= 20,
      },
      { target: 'at most 1.2 × the messages’ bytes', measured: `${times(bytes / own)} ×`, met: bytes / own <= 1.2 },
    ]),
  ];
}
