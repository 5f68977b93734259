import type { ClientState } from '../instance/client/instanceClient.ts';
import type { HubStatus } from '../protocol/rpc.ts';

/** How the history of a window stands. */
export interface HistoryStanding {
  state: ClientState;
  /** Why it failed, in words for the user; null unless it did. */
  problem: string | null;
  /** Why nothing can be saved at present; null when all is well. */
  readOnly: string | null;
  /** How many other windows and programs are connected. */
  peers: number;
  unread: number;
  /** How many messages of this window wait to be stored. */
  unsent: number;
  /** The hub, if one is used. */
  hub: HubStatus | null;
}

/** What the status bar says; `kind` chooses the colour. */
export interface StatusText {
  icon: string;
  text: string;
  lines: string[];
  kind: 'normal' | 'warning' | 'error';
}

/** The words of it, in the user's language. */
export interface StatusWords {
  failed: string;
  starting: string;
  restarting: string;
  windows(count: number): string;
  unread(count: number): string;
  unsent(count: number): string;
  hub(status: HubStatus): string;
}

/** What the status bar says of a history: little while all is well. */
export function statusText(standing: HistoryStanding, words: StatusWords): StatusText {
  const { state, problem, readOnly, peers, unread, unsent, hub } = standing;
  const waiting = unsent > 0 ? [words.unsent(unsent)] : [];
  const text = unsent > 0 ? `DevChat (${unsent})` : 'DevChat';
  if (state === 'failed')
    return { icon: 'error', text, lines: [words.failed, problem ?? '', ...waiting], kind: 'error' };
  if (state !== 'ready') {
    const line = state === 'starting' ? words.starting : words.restarting;
    return { icon: 'sync~spin', text, lines: [line, ...waiting], kind: 'normal' };
  }
  const lines = [...waiting, words.windows(peers + 1), ...(unread > 0 ? [words.unread(unread)] : [])];
  if (hub) lines.push(words.hub(hub));
  if (readOnly !== null) return { icon: 'warning', text, lines: [readOnly, ...lines], kind: 'warning' };
  if (unsent > 0) return { icon: 'cloud-upload', text, lines, kind: 'normal' };
  return { icon: 'comment-discussion', text: peers > 0 ? String(peers + 1) : '', lines, kind: 'normal' };
}
