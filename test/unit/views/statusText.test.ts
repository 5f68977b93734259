import assert from 'node:assert/strict';
import { type HistoryStanding, type StatusWords, statusText } from '../../../src/views/statusText.ts';

const words: StatusWords = {
  failed: 'failed',
  starting: 'starting',
  restarting: 'restarting',
  windows: (count) => `windows: ${count}`,
  unread: (count) => `unread: ${count}`,
  unsent: (count) => `unsent: ${count}`,
  hub: ({ state }) => `hub: ${state}`,
};
const well: HistoryStanding = {
  state: 'ready',
  problem: null,
  readOnly: null,
  peers: 0,
  unread: 0,
  unsent: 0,
  hub: null,
};
const textOf = (changes: Partial<HistoryStanding>) => statusText({ ...well, ...changes }, words);

describe('the status bar', () => {
  it('is quiet while all is well, and counts the windows when there are several', () => {
    assert.deepEqual(textOf({}), { icon: 'comment-discussion', text: '', lines: ['windows: 1'], kind: 'normal' });
    const busy = textOf({ peers: 2, unread: 3 });
    assert.deepEqual([busy.text, busy.lines], ['3', ['windows: 3', 'unread: 3']]);
  });

  it('tells of the hub where one is used', () => {
    const hub = { url: 'https://hub', state: 'offline', problem: null, waiting: 2, sequence: 1 } as const;
    assert.deepEqual(textOf({ hub }).lines, ['windows: 1', 'hub: offline']);
  });

  it('says that it is on its way, and that it is not available and why', () => {
    assert.deepEqual(
      [textOf({ state: 'starting' }).lines, textOf({ state: 'restarting' }).lines],
      [['starting'], ['restarting']],
    );
    const failed = textOf({ state: 'failed', problem: 'no disk', readOnly: 'full' });
    assert.deepEqual([failed.kind, failed.lines], ['error', ['failed', 'no disk']]);
  });

  it('counts what waits to be saved, whatever else there is to say', () => {
    for (const state of ['ready', 'restarting', 'failed'] as const) {
      const { text, lines } = textOf({ state, unsent: 2 });
      assert.equal(text, 'DevChat (2)');
      assert.ok(lines.includes('unsent: 2'));
    }
  });

  it('warns when nothing can be saved', () => {
    const { kind, lines } = textOf({ readOnly: 'the disk is full', peers: 1 });
    assert.deepEqual([kind, lines], ['warning', ['the disk is full', 'windows: 2']]);
  });
});
