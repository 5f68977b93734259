import assert from 'node:assert/strict';
import type { HubTransport } from '../../src/hubClient/transport.ts';
import type { ClientFrame, HubChange, PushResult, ServerFrame } from '../../src/protocol/hub.ts';
import { useReplicas } from './support/replicas.ts';

const WORKSPACE = '00000000-0000-4000-8000-000000000001';

/** Attempts that the pauses between connections leave time for until the client says that it is offline. */
const FEW = 5;

describe('a hub that brings nothing forward', () => {
  const replicas = useReplicas();

  /** A hub that answers every push, and has nothing to tell. */
  function idleHub(resultOf: (change: HubChange) => PushResult) {
    const pushes: HubChange[][] = [];
    const answer = (frame: ClientFrame): ServerFrame | undefined => {
      if (frame.type === 'hello')
        return {
          type: 'welcome',
          protocol: 1,
          hub_epoch: 'e',
          latest_sequence: 0,
          workspace_id: WORKSPACE,
          user_id: 'u',
        };
      if (frame.type === 'get_changes_since')
        return { type: 'changes', events: [], latest_sequence: 0, has_more: false };
      if (frame.type !== 'push') return undefined;
      pushes.push(frame.changes);
      return { type: 'push_result', results: frame.changes.map(resultOf) };
    };
    const transport = (): HubTransport => ({
      connect: async ({ received }) => ({
        unsent: 0,
        close: () => undefined,
        send: (frame) => {
          const answered = answer(frame);
          const request_id = 'request_id' in frame ? frame.request_id : undefined;
          if (answered) setImmediate(() => received({ ...answered, request_id } as ServerFrame));
        },
      }),
      get: async <T>() => ({ conversations: [], has_more: false, latest_sequence: 0, hub_epoch: 'e' }) as T,
    });
    return { pushes, transport };
  }

  const cases: [string, (change: HubChange) => PushResult][] = [
    [
      'since it never tells of what it has taken',
      ({ entity_id, revision_id }) => ({ entity_id, revision_id, outcome: 'applied', sequence: 1 }),
    ],
    [
      'since it always has something else than its lists say',
      ({ entity_id, revision_id }) => ({ entity_id, revision_id, outcome: 'duplicate', sequence: null }),
    ],
  ];
  for (const [why, resultOf] of cases) {
    it(`is asked again only after pauses, ${why}`, async () => {
      const replica = await replicas.start();
      await replica.add(await replica.share(), 'one');
      const { pushes, transport } = idleHub(resultOf);
      replica.connect({ url: 'http://127.0.0.1', token: 'none', transport });
      await replica.until(() => replica.client?.status().state === 'offline');
      assert.ok(pushes.length <= FEW, `${pushes.length} pushes`);
      assert.equal(replica.waiting, 2);
    });
  }
});
