import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConversationList } from '../../../src/sync/chat/conversationList.ts';
import type { ChatSyncPorts } from '../../../src/sync/chat/ports.ts';

describe('list of conversations of an upstream', () => {
  it('is asked for once at a time, and told of the present connection alone, whatever comes when', async () => {
    const steps = fc.array(fc.constantFrom('connect', 'ask', 'dispose'), { minLength: 1, maxLength: 12 });
    const fates = fc.infiniteStream(fc.constantFrom('answer', 'answer', 'fail'));
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), steps, fates, async (scheduler, order, stream) => {
        let connection = 0;
        const inFlight = new Map<number, number>();
        const crowds: number[] = [];
        const told: { asked: number | undefined; connection: number }[] = [];
        const list: ChatSyncPorts['upstream']['list'] = async () => {
          const asked = connection;
          inFlight.set(asked, (inFlight.get(asked) ?? 0) + 1);
          crowds.push(inFlight.get(asked) ?? 0);
          await scheduler.schedule(Promise.resolve());
          inFlight.set(asked, 0);
          if (stream.next().value === 'fail') throw new Error('the upstream failed');
          return [{ id: 'c', lastSeq: asked }];
        };
        const timers = { after: (_: number, action: () => void) => timer(scheduler, action) };
        const ports = { upstream: { list }, timers, failed: () => undefined } as unknown as ChatSyncPorts;
        const lists = new ConversationList(ports, {
          asking: () => undefined,
          answered: ([head]) => told.push({ asked: head?.lastSeq, connection }),
        });
        const step = (kind: string) => {
          if (kind !== 'ask') connection++;
          if (kind === 'connect') void lists.connected();
          else if (kind === 'dispose') lists.dispose();
          else lists.ask().catch(() => undefined);
        };
        for (const kind of order) scheduler.schedule(Promise.resolve(kind)).then(step);
        await scheduler.waitIdle();
        step('connect');
        await scheduler.waitIdle();
        assert.ok(crowds.every((count) => count === 1));
        for (const { asked, connection: present } of told) assert.equal(asked, present);
        assert.equal(told.at(-1)?.connection, connection);
      }),
    );
  });
});

/** A timer that fires when the scheduler has it fire. */
function timer(scheduler: fc.Scheduler, action: () => void): () => void {
  let isCancelled = false;
  scheduler.schedule(Promise.resolve()).then(() => !isCancelled && action());
  return () => {
    isCancelled = true;
  };
}
