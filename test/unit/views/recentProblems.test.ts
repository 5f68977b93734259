import assert from 'node:assert/strict';
import { DevChatError } from '../../../src/protocol/errors.ts';
import { RecentProblems } from '../../../src/views/recentProblems.ts';

describe('recent problems', () => {
  it('are the newest of what the log has, told to the user when they stopped something', () => {
    const logged: string[] = [];
    const shown: string[] = [];
    const problems = new RecentProblems(
      (level, text) => logged.push(`${level} ${text}`),
      (problem) => shown.push(problem),
    );
    problems.log('info', 'started');
    for (let index = 1; index <= 30; index++) problems.log('warn', `number ${index}`);
    problems.tell(new DevChatError('read-only', 'The disk is full.'), 'rename');
    assert.equal(logged.length, 32);
    assert.deepEqual(shown, ['The disk is full.']);
    assert.equal(problems.lines.length, 20);
    assert.match(problems.lines[0] ?? '', /warn: number 12$/);
    assert.match(problems.lines.at(-1) ?? '', /error: rename: The disk is full\.$/);
  });
});
