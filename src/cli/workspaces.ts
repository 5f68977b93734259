import { DevChatError } from '../protocol/errors.ts';
import type { ConversationSummary, RelinkResult, WorkspaceSummary } from '../protocol/rpc.ts';
import { relinkWorkspace } from '../store/catalog.ts';
import { dataDir } from '../store/dataDir.ts';
import { listWorkspaces, workspaceConversations } from '../store/workspaces.ts';
import type { Place } from './history.ts';

/** A history with its conversations; one that cannot be read has none. */
export interface WorkspaceContents {
  workspace: WorkspaceSummary;
  conversations: ConversationSummary[];
}

/** Every history in the user's data directory. */
export function allHistories(): WorkspaceContents[] {
  return listWorkspaces(dataDir()).map((workspace) => ({
    workspace,
    conversations: workspace.problem === null ? workspaceConversations(dataDir(), workspace.id) : [],
  }));
}

/**
 * Has the workspace folder use another history of the user's data directory.
 * @param history its id, or a folder that leads to it or once did
 * @throws {DevChatError} `not-found`, `bad-request`
 */
export function relink({ workspace, db }: Place, history: string): RelinkResult {
  if (db !== undefined) {
    throw new DevChatError('bad-request', 'A folder is linked, not a file: use --workspace in place of --db.');
  }
  return relinkWorkspace(dataDir(), workspace ?? process.cwd(), history);
}
