import type { Mutant } from '../mutants.ts';

/** Protections of what keeps a database equal to the hub, each taken out; each must fail some seed. */
export const hubMutants: readonly Mutant[] = [
  {
    name: 'what was sent is not sent again',
    file: 'src/store/replica/outbox.ts',
    line: 'FROM hub_outbox o WHERE problem IS NULL AND',
    instead: 'FROM hub_outbox o WHERE problem IS NULL AND sent_revision IS NULL AND',
  },
  {
    name: 'the cursor is stored before the rows',
    file: 'src/hubClient/exchange.ts',
    line: '      await this.#update((update) => {\n        for',
    instead:
      '      await this.#ports.write(() => saveLink(db, { ...openLink(db), cursor: last.sequence }));\n      await this.#update((update) => {\n        for',
  },
  {
    name: 'the cursor does not move',
    file: 'src/hubClient/exchange.ts',
    line: 'saveLink(db, { ...openLink(db), cursor: last.sequence });',
    instead: '',
  },
  {
    name: 'one’s own events are told to the hub again',
    file: 'src/store/replica/replica.ts',
    line: 'appendChanges(this.#db, entries, HUB_ORIGIN);',
    instead: `appendChanges(this.#db, entries, 'echo');`,
  },
  {
    name: 'one’s own events are taken for somebody else’s',
    file: 'src/store/replica/replica.ts',
    line: `this.#settle({ type, id, revisionId, sequence, body }, isOwn ? 'own' : 'event');`,
    instead: `this.#settle({ type, id, revisionId, sequence, body }, 'event');`,
  },
  {
    name: 'another epoch goes unnoticed',
    file: 'src/hubClient/hubClient.ts',
    line: 'const isKnown = link?.epoch === welcome.hub_epoch && link.workspaceId === welcome.workspace_id;',
    instead: 'const isKnown = link?.workspaceId === welcome.workspace_id;',
  },
  {
    name: 'an edit forgets what it was made to',
    file: 'src/store/replica/replica.ts',
    line: 'else saveEntry(this.#db, { ...entry, base, sent: null });',
    instead: 'else saveEntry(this.#db, { ...entry, base: entity, sent: null });',
  },
  {
    name: 'an edit that the hub keeps already is told again',
    file: 'src/store/replica/replica.ts',
    line: `(occasion === 'own' || isKept(entity, sent))`,
    instead: `occasion === 'own'`,
  },
  {
    name: 'a waiting edit is overwritten',
    file: 'src/store/replica/replica.ts',
    line: 'if (entry) this.#reconcile(entry, entity, occasion);',
    instead: 'if (entry?.sent) this.#reconcile(entry, entity, occasion);',
  },
  {
    name: 'a hint during a pull is lost',
    file: 'src/hubClient/exchange.ts',
    line: 'hasMore = page.has_more;',
    instead: 'hasMore = page.has_more;\n      this.#isHinted = false;',
  },
  {
    name: 'what does not fit ends in no comparison',
    file: 'src/hubClient/hubClient.ts',
    line: 'if (!isOutOfStep(error) || isCompared) throw error;',
    instead: 'throw error;',
  },
  {
    name: 'what the hub has lost is not published again',
    file: 'src/hubClient/comparison.ts',
    line: `      for (const messageId of next) publishAnew(db, 'message', messageId);`,
    instead: '',
  },
  {
    name: 'a comparison believes what was sent',
    file: 'src/hubClient/comparison.ts',
    line: 'AND NOT EXISTS (SELECT 1 FROM hub_outbox WHERE id = :id AND sent_revision IS NOT NULL)',
    instead: '',
  },
  {
    name: 'a number that the hub has given to another is kept',
    file: 'src/store/replica/hubRows.ts',
    line: '    this.#free(row.conversationId, seq);',
    instead: '',
  },
  {
    name: 'the settings share what was made private meanwhile',
    file: 'src/store/replica/sharing.ts',
    line: `return authority !== 'hub' && authority === (from ?? authority);`,
    instead: `return authority !== 'hub';`,
  },
];
