import type { InstanceClient } from '../instance/client/instanceClient.ts';
import type { PanelParams, PanelResults } from '../protocol/panel.ts';
import { forPanel, partText } from './messageParts.ts';

/** Most messages that a search within a conversation names. */
const MOST_FOUND = 1000;

/** The messages that a panel asks for, as it gets them. */
export async function readRange(client: InstanceClient, params: PanelParams<'range'>): Promise<PanelResults['range']> {
  const { messages, lastSeq } = await client.request('message/range', params);
  return { messages: messages.map(forPanel), lastSeq };
}

/** The whole of a part that was too long to come along with its message. */
export async function readPart(client: InstanceClient, params: PanelParams<'part'>): Promise<PanelResults['part']> {
  const { conversationId, seq, index } = params;
  const { messages } = await client.request('message/range', { conversationId, fromSeq: seq, toSeq: seq });
  return { text: messages.map((message) => partText(message, index)).join('') };
}

/** The messages of a conversation that have the words of a query. */
export async function findIn(client: InstanceClient, params: PanelParams<'find'>): Promise<PanelResults['find']> {
  const { hits, total } = await client.request('search', { ...params, limit: MOST_FOUND });
  return { seqs: hits.map(({ seq }) => seq), total: total ?? hits.length };
}
