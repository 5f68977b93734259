import assert from 'node:assert/strict';
import { diagnosticsText } from '../../../src/views/diagnosticsText.ts';

const known = {
  versions: { 'DevChat Sync': '1.2.3', 'Node.js': 'v24' },
  state: 'ready',
  problem: null,
  conversations: 4,
  unread: 1,
  problems: ['2026-01-01 warn: /home/someone/file is gone'],
  home: '/home/someone',
};
const status = {
  instanceId: 'i1',
  databasePath: '/home/someone/.local/chat.db',
  dbEpoch: 'e1',
  lastChangeId: 42,
  peers: [{ instanceId: 'i2', editor: 'Code', version: '1', pid: 7 }],
  leader: { instanceId: 'i1', epoch: 3 },
  conversations: 5,
  messages: 6,
  readOnly: null,
  hub: null,
};

describe('the diagnostics', () => {
  it('name versions, paths, cursors, peers and the last problems, without the name of the user', () => {
    const text = diagnosticsText({ ...known, status });
    for (const fact of [
      'DevChat Sync: 1.2.3',
      'databasePath: ~/.local/chat.db',
      'lastChangeId: 42',
      'i2: Code 1, process 7',
      'this window, epoch 3',
      '~/file is gone',
    ]) {
      assert.ok(text.includes(fact), fact);
    }
    assert.ok(!text.includes('someone'));
  });

  it('say so when the history does not answer', () => {
    const text = diagnosticsText({ ...known, state: 'failed', problem: 'broken', status: null, problems: [] });
    assert.match(text, /problem: broken/);
    assert.match(text, /## History\n\nNone\./);
  });
});
