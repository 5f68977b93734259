import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Decision, decide, type Entity, keyOf, type NewEvent } from '../../../src/hub/decide.ts';
import type { HubChange, HubMessage } from '../../../src/protocol/hub.ts';
import { applyPatch, type Patch } from '../../../src/protocol/patch.ts';

const idOf = (kind: number, index: number) => `0000000${kind}-0000-7000-8000-${String(index).padStart(12, '0')}`;
const conversations = [idOf(1, 0), idOf(1, 1)];
const messages = [0, 1, 2, 3].map((index) => idOf(2, index));
const revisionOf = (index: number) => idOf(3, index);

/** A hub's history in memory, where the database is otherwise. */
class Hub {
  readonly entities = new Map<string, Entity>();
  readonly events: NewEvent[] = [];
  readonly #made = new Map<string, number>();

  push(changes: readonly HubChange[]): Decision['results'] {
    const { entities } = this;
    const { results, events } = decide(
      { entities, made: this.#made, taken: new Set(), userId: 'ada', now: 7 },
      changes,
    );
    for (const event of events) this.#made.set(event.revision_id, this.events.push(event));
    for (const entity of entities.values()) entity.state = 'stored';
    return results;
  }
}

const conversation = { title: '', source: 'chat', externalId: null, createdAt: 1 };
const message = {
  role: 'user',
  author: null,
  content: 'a',
  parts: null,
  status: 'complete',
  model: null,
  createdAt: 1,
};

const patch = fc.constantFrom<Patch[]>(
  [{ op: 'append', path: '/content', offset: 1, text: 'b' }],
  [{ op: 'replace', path: '/content', value: 'other' }],
  [{ op: 'replace', path: '/title', value: 'named' }],
  [{ op: 'replace', path: '/deletedAt', value: null }],
  [{ op: 'replace', path: '/alternatives', value: [] }],
  [{ op: 'replace', path: '/seq', value: 9 }],
  [{ op: 'add', path: '/constructor/x', value: 1 }],
  [{ op: 'remove', path: '' }],
  [],
);
const draft = fc.record({
  kind: fc.constantFrom<('create' | 'update' | 'delete')[]>('create', 'create', 'update', 'update', 'delete'),
  entity: fc.nat({ max: conversations.length + messages.length - 1 }),
  home: fc.nat({ max: 1 }),
  base: fc.nat({ max: 14 }),
  patch,
});

/** Changes of a few entities, each with its own revision, and made to any of the others. */
const anyChanges = fc.array(draft, { maxLength: 15 }).map((drafts) =>
  drafts.map(({ kind, entity, home, base, patch: json_patch }, index): HubChange => {
    const id = [...conversations, ...messages][entity] ?? '';
    const isMessage = messages.includes(id);
    const change = { entity_type: isMessage ? 'message' : 'conversation', entity_id: id } as const;
    const revisions = { revision_id: revisionOf(index), base_revision_id: revisionOf(base) };
    if (kind === 'delete') return { ...change, ...revisions, event_type: 'delete' };
    if (kind === 'update') return { ...change, ...revisions, event_type: 'update', json_patch };
    const value = isMessage ? { ...message, id, conversationId: conversations[home] } : { ...conversation, id };
    return {
      ...change,
      revision_id: revisionOf(index),
      event_type: 'create',
      json_patch: [{ op: 'add', path: '', value }],
    };
  }),
);

const isDone = ({ outcome }: { outcome: string }) => outcome === 'applied' || outcome === 'conflict';

describe('decision on a push', () => {
  it('is the same whether changes come together or one by one', () => {
    fc.assert(
      fc.property(anyChanges, (changes) => {
        const [together, single] = [new Hub(), new Hub()];
        const outcomes = together.push(changes).map(({ outcome }) => outcome);
        assert.deepEqual(
          changes.flatMap((change) => single.push([change])).map(({ outcome }) => outcome),
          outcomes,
        );
        assert.deepEqual([single.events, single.entities], [together.events, together.entities]);
      }),
    );
  });

  it('changes nothing when what was done is sent again, in another order too', () => {
    const repeated = anyChanges.chain((changes) => fc.tuple(fc.constant(changes), fc.shuffledSubarray(changes)));
    fc.assert(
      fc.property(repeated, ([changes, again]) => {
        const hub = new Hub();
        const results = hub.push(changes);
        const done = new Set(results.filter(isDone).map(({ revision_id }) => revision_id));
        const before = structuredClone([hub.entities, hub.events]);
        for (const result of hub.push(again.filter(({ revision_id }) => done.has(revision_id)))) {
          const event = hub.events.findIndex(({ revision_id }) => revision_id === result.revision_id);
          assert.deepEqual([result.outcome, 'sequence' in result && result.sequence], ['duplicate', event + 1]);
        }
        assert.deepEqual([hub.entities, hub.events], before);
      }),
    );
  });

  it('makes of each entity what the patches of its events make of nothing', () => {
    fc.assert(
      fc.property(anyChanges, (changes) => {
        const hub = new Hub();
        const results = hub.push(changes);
        assert.equal(results.filter(isDone).length, hub.events.length);
        const replayed = new Map<string, unknown>();
        for (const { entity_type, entity_id, json_patch } of hub.events) {
          const key = keyOf(entity_type, entity_id);
          replayed.set(key, applyPatch(replayed.get(key), json_patch));
        }
        assert.deepEqual(replayed, new Map([...hub.entities].map(([key, { body }]) => [key, body])));
      }),
    );
  });

  it('numbers the messages of each conversation from 1 on without gaps, and never again', () => {
    fc.assert(
      fc.property(anyChanges, fc.nat({ max: 15 }), (changes, cut) => {
        const hub = new Hub();
        const numbers = () =>
          [...hub.entities.values()].flatMap(({ type, body }) => (type === 'message' ? [body as HubMessage] : []));
        hub.push(changes.slice(0, cut));
        const early = numbers().map(({ id, seq }) => [id, seq]);
        hub.push(changes.slice(cut));
        const later = new Map(numbers().map(({ id, seq }) => [id, seq]));
        for (const [id, seq] of early) assert.equal(later.get(String(id)), seq);
        for (const id of conversations) {
          const seqs = numbers().flatMap(({ conversationId, seq }) => (conversationId === id ? [seq] : []));
          assert.deepEqual(
            seqs.sort(),
            seqs.map((_, index) => index + 1),
          );
          assert.equal(hub.entities.get(keyOf('conversation', id))?.lastMessageSequence ?? 0, seqs.length);
        }
      }),
    );
  });
});
