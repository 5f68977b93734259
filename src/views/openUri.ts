import * as v from 'valibot';
import { Id } from '../protocol/rpc.ts';

/** Where an address of this extension leads. */
export interface UriTarget {
  conversationId: string;
  /** Number of a message, if one is meant. */
  seq?: number;
}

/** Reads `/open?conversation=ID` with an optional `&seq=NUMBER`; undefined for anything else. */
export function readUri(path: string, query: string): UriTarget | undefined {
  const params = new URLSearchParams(query);
  const id = v.safeParse(Id, params.get('conversation'));
  if (path !== '/open' || !id.success) return undefined;
  const seq = Number(params.get('seq'));
  return { conversationId: id.output, ...(Number.isSafeInteger(seq) && seq > 0 && { seq }) };
}
