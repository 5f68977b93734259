import type { Alternative } from '../../protocol/hub.ts';
import type { OtherVersion } from '../../protocol/rpc.ts';
import type { Database } from '../database.ts';
import type { Document } from './documents.ts';

/**
 * The versions of a conversation's title and of its messages that lost against others, as the hub keeps them: in the
 * order of the conversation, and of each the oldest first.
 */
export function otherVersions(db: Database, conversationId: string): OtherVersion[] {
  const bodies = db.sql(
    `SELECT body FROM hub_entities
     WHERE id IN (SELECT :id UNION ALL SELECT id FROM messages WHERE conversation_id = :id)
       AND json_array_length(body, '$.alternatives') > 0
     ORDER BY body ->> '$.seq'`,
  );
  return db
    .read(() => bodies.pluck().all({ id: conversationId }))
    .flatMap((json) => {
      const body = JSON.parse(String(json)) as Document & { seq?: number; alternatives: Alternative[] };
      return body.alternatives.map(({ revisionId, userId, createdAt, patch }) => ({
        ...{ seq: body.seq ?? null, revisionId, userId, createdAt },
        ...compare(body, patch),
      }));
    });
}

/** What an edit wanted, and what holds instead: the texts, or where it was about something else, the members as JSON. */
function compare(body: Document, patch: Alternative['patch']): Pick<OtherVersion, 'text' | 'present'> {
  const wanted = Object.fromEntries(patch.map((operation) => [operation.path.slice(1), wantedValue(operation)]));
  const text = ['content', 'title'].find((name) => name in wanted);
  const members = (document: Document) => Object.fromEntries(Object.keys(wanted).map((name) => [name, document[name]]));
  const show = (document: Document) => (text ? String(document[text]) : JSON.stringify(members(document), null, 2));
  return { text: show(wanted), present: show(body) };
}

/** Of what was appended to a long text, the edit says no more than the addition. */
function wantedValue(operation: Alternative['patch'][number]): unknown {
  if (operation.op === 'append') return `…${operation.text}`;
  return 'value' in operation ? operation.value : null;
}
