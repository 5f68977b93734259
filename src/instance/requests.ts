import type { Method, Params, Results } from '../protocol/rpc.ts';
import {
  createConversation,
  deleteConversation,
  listConversations,
  markRead,
  renameConversation,
  restoreConversation,
} from '../store/conversations.ts';
import { addMessage, deleteMessage, messageRange, updateMessage } from '../store/messages.ts';
import { searchMessages } from '../store/search.ts';
import { rebuildIndex, verify } from '../store/verify.ts';
import { resyncLocal } from './resync.ts';
import type { Workspace } from './workspace.ts';

/** The requests that need an open workspace, each with the function that answers it. */
export type Answers = {
  [M in Exclude<Method, 'initialize' | 'shutdown'>]: (
    workspace: Workspace,
    params: Params<M>,
    instanceId: string,
  ) => Promise<Results[M]> | Results[M];
};

/** Waits for a write and makes it known. */
async function publish<T>(workspace: Workspace, write: Promise<T>): Promise<T> {
  const result = await write;
  workspace.committed();
  return result;
}

export const answers: Answers = {
  'conversation/list': ({ db }, { includeDeleted }) => listConversations(db, includeDeleted ?? false),
  'conversation/create': (workspace, params, origin) =>
    publish(workspace, createConversation(workspace.db, origin, params)),
  'conversation/rename': (workspace, { conversationId, title }, origin) =>
    publish(workspace, renameConversation(workspace.db, origin, conversationId, title)),
  'conversation/delete': (workspace, { conversationId }, origin) =>
    publish(workspace, deleteConversation(workspace.db, origin, conversationId)),
  'conversation/restore': (workspace, { conversationId }, origin) =>
    publish(workspace, restoreConversation(workspace.db, origin, conversationId)),
  'conversation/markRead': (workspace, { conversationId, seq }, origin) =>
    publish(workspace, markRead(workspace.db, origin, conversationId, seq)),
  'message/add': (workspace, params, origin) => publish(workspace, addMessage(workspace.db, origin, params)),
  'message/update': (workspace, params, origin) => publish(workspace, updateMessage(workspace.db, origin, params)),
  'message/delete': (workspace, { messageId }, origin) =>
    publish(workspace, deleteMessage(workspace.db, origin, messageId)),
  'stream/start': ({ streams }, params) => streams.start(params),
  'stream/append': ({ streams }, { messageId, text }) => streams.append(messageId, text),
  'stream/finish': ({ streams }, { messageId, status }) => streams.finish(messageId, status ?? 'complete'),
  'message/range': ({ db }, params) => messageRange(db, params),
  search: ({ db }, { query, limit }) => ({ hits: searchMessages(db, query, limit ?? 50) }),
  'search/rebuild': async ({ db }) => ({ messages: await rebuildIndex(db) }),
  verify: (workspace, { repair }, origin) => publish(workspace, verify(workspace.db, origin, repair ?? false)),
  'sync/status': async (workspace) => {
    await workspace.settled();
    return workspace.status();
  },
  'sync/resync': async (workspace, { conversationId }) => {
    const result = await resyncLocal(workspace.db, conversationId);
    const { state, reason } = result;
    const isAtRest = { isValidating: false, isFetching: false, fetched: 0, wanted: 0 };
    workspace.notify('syncState', { conversationId, state, reason, ...isAtRest });
    return result;
  },
};
