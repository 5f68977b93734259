import { paintLatencies, percentile } from '../support/paintLatency.ts';
import { openTwoWindows } from '../support/twoWindows.ts';
import { ms, type Section, table, targetTable } from './document.ts';

/** Frames come 17 ms apart, and the key press falls anywhere between two. */
const TARGET = 25;

export const title = 'From Enter in one window to the message painted in the other';

/** Measures between two real windows how soon the other shows what was sent in one. */
export async function measure(): Promise<Section> {
  const two = await openTwoWindows();
  try {
    await two.a.panel.send('Measured');
    await two.b.window.conversations().open(/Measured/);
    await two.b.panel.message('Measured').waitFor();
    await paintLatencies(two.a.panel, two.b.panel, 20);
    const latencies = await paintLatencies(two.a.panel, two.b.panel, 200);
    const median = percentile(latencies, 0.5);
    return {
      title,
      lines: [
        'Two windows of a real VS Code in one browser, both visible, at 60 frames per second.',
        '',
        ...table(['', 'median ms', 'p95 ms'], [['DevChat Sync', ms(median), ms(percentile(latencies, 0.95))]]),
        ...targetTable([
          { target: `median at most ${TARGET} ms`, measured: `${ms(median)} ms`, met: median <= TARGET },
        ]),
      ],
    };
  } finally {
    await two.close();
  }
}
