import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { Random } from '../../support/random.ts';
import { WindowClock } from '../faults/windowClock.ts';
import { Fleet, until } from '../fleet/fleet.ts';
import { addMessage } from '../fleet/traffic.ts';
import { textHash } from '../history/digest.ts';
import { plan, report, size } from '../plan.ts';

/** More than the time for which the change log is kept, in ms. */
const TOMORROW = 25 * 3_600_000;

describe('a leader that freezes', () => {
  it('is replaced, and when it wakes it follows, loads what was pruned and ends its stream', async () => {
    const random = new Random(plan.seed, 'frozen leader');
    const fleet = new Fleet();
    const clock = new WindowClock(fleet.directory);
    const windows = await fleet.startAll(4, clock.environment);
    const leader = await fleet.led();
    assert.ok(leader);
    const others = windows.filter((window) => window !== leader);
    const conversation = (await leader.create(uuid())) ?? '';
    const id = uuid();
    const stream = { op: 'stream', message: id, conversation } as const;
    await leader.write('stream/start', { conversationId: conversation, id }, stream);
    await leader.append(id, 0, 'before ');
    await Promise.all(others.map((window) => until(window, 'change', ({ replica }) => replica.has(id))));

    fleet.recorder.fault('SIGSTOP of the leader');
    const frozenAt = performance.now();
    leader.child.kill('SIGSTOP');
    await fleet.led(1);
    const replacedAfter = performance.now() - frozenAt;
    const isInterrupted = others.map((window) =>
      until(window, 'change', ({ replica }) => replica.get(id)?.status === 'interrupted'),
    );
    await Promise.all(isInterrupted);
    for (const window of others) await addMessage(window, conversation, random);
    clock.shift(TOMORROW, others);
    await fleet.pruned(leader.cursor + 1);
    await addMessage(others[0] ?? leader, conversation, random);
    await delay(Math.max(0, size(8000, 60_000) - (performance.now() - frozenAt)));

    leader.child.kill('SIGCONT');
    fleet.recorder.fault('SIGCONT of the leader');
    await until(leader, 'reload', ({ reloads }) => reloads > 0);
    await leader.append(id, 'before '.length, 'after');
    const whole = textHash('before after');
    await leader.write('stream/finish', { messageId: id }, { op: 'update', message: id, conversation, hash: whole });
    assert.deepEqual(
      others.map(({ reloads }) => reloads),
      [0, 0, 0],
    );
    assert.notEqual(await fleet.led(), leader);
    const { messages } = await fleet.conclude();
    assert.equal(messages.find((message) => message.id === id)?.status, 'complete');
    report(`replaced after ${Math.round(replacedAfter)} ms`);
  });
});
