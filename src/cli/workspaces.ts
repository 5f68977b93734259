import type { ConversationSummary, WorkspaceSummary } from '../protocol/rpc.ts';
import { dataDir } from '../store/dataDir.ts';
import { listWorkspaces, workspaceConversations } from '../store/workspaces.ts';

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
