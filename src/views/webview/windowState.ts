import * as v from 'valibot';
import { Attachment } from '../../protocol/attachments.ts';
import { OutgoingMessage, type PanelState } from '../../protocol/panel.ts';
import type { VsCode } from './api.ts';
import { emptyState } from './drafts.ts';

const Id = v.pipe(v.string(), v.uuid());

/** A damaged field costs only itself. */
const Stored = v.object({
  owner: v.string(),
  conversationId: v.fallback(v.nullable(Id), null),
  drafts: v.fallback(v.record(v.string(), v.string()), {}),
  outbox: v.fallback(v.array(OutgoingMessage), []),
  attachments: v.fallback(v.record(v.string(), v.array(Attachment)), {}),
  models: v.fallback(v.record(v.string(), v.nullable(v.string())), {}),
  versions: v.fallback(v.array(v.string()), []),
  anchors: v.fallback(v.record(v.string(), v.object({ seq: v.number(), offset: v.number() })), {}),
});
type Stored = v.InferOutput<typeof Stored>;

/** What this window showed before, and the way to keep it for the next time. */
export interface WindowState {
  restored: PanelState;
  save(state: PanelState): void;
}

/**
 * Opens the state of this window. `sessionStorage` belongs to one browser tab or desktop window but dies with it;
 * the editor's own state outlives it, but two browser tabs on one folder share it. So it carries its owner, who holds
 * a lock while alive, and a newcomer takes it over only when the owner is gone.
 * `scope` tells this panel from others that share the tab's storage, such as one of another folder; with null the
 * editor's own state alone is used, which an editor has to itself.
 */
export async function openWindowState(vscode: VsCode, scope: string | null): Promise<WindowState> {
  const key = `devchat.panel.${scope}`;
  const session = scope === null ? null : openSession();
  const own = parse(readJson(session?.getItem(key)));
  const found = own ?? parse(vscode.getState());
  const free = found !== null && (await claim(found.owner));
  const owner = found && free ? found.owner : crypto.randomUUID();
  if (!free) void claim(owner);
  const { owner: _, ...restored } = (free ? found : own) ?? { owner, ...emptyState };

  const save = (state: PanelState) => {
    const stored: Stored = { owner, ...state };
    vscode.setState(stored);
    try {
      session?.setItem(key, JSON.stringify(stored));
    } catch {
      // Over quota: an outdated copy would win over the editor's own at the next start.
      session?.removeItem(key);
    }
  };
  return { restored, save };
}

function openSession(): Storage | null {
  try {
    return window.sessionStorage;
  } catch {
    // Browsers that block storage of embedded pages throw on access; the editor's own state remains.
    return null;
  }
}

function readJson(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    // Whatever wrote that, it is not our state: start as if there was none.
    return null;
  }
}

function parse(value: unknown): Stored | null {
  const result = v.safeParse(Stored, value);
  return result.success ? result.output : null;
}

/** Takes the owner's lock for the life of this page; false when another live page holds it. */
function claim(owner: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const forever = new Promise<never>(() => undefined);
  // Locks are missing outside secure contexts; then nobody can be asked, and losing a draft is worse than showing it twice.
  if (!navigator.locks) return Promise.resolve(true);
  navigator.locks
    .request(`devchat-window-${owner}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock && forever;
    })
    .catch(() => resolve(true));
  return promise;
}
