import { reportIngestion } from '../ingest/report.ts';
import { hasReason } from '../protocol/errors.ts';
import type { Conversation } from '../protocol/model.ts';
import type { Method, Params, Results } from '../protocol/rpc.ts';
import { branchConversation } from '../store/branch.ts';
import { relinkWorkspace } from '../store/catalog.ts';
import {
  createConversation,
  deleteConversation,
  deleteConversations,
  getConversation,
  listConversations,
  markRead,
  renameConversation,
  restoreConversation,
  restoreConversations,
  updateConversation,
} from '../store/conversations.ts';
import { dataDir } from '../store/dataDir.ts';
import { ingestLog } from '../store/ingestFiles.ts';
import { conversationUsage } from '../store/ingestMessages.ts';
import { addMessage, deleteMessage, messageRange, updateMessage } from '../store/messages.ts';
import { purgeConversations, removePurged } from '../store/purge.ts';
import { otherVersions } from '../store/replica/alternatives.ts';
import { shareConversation, unshareConversation } from '../store/replica/sharing.ts';
import { searchMessages } from '../store/search.ts';
import { endedStream } from '../store/streams.ts';
import { rebuildIndex, verify } from '../store/verify.ts';
import { listWorkspaces, workspaceConversations } from '../store/workspaces.ts';
import { tryHub } from './hubAccess.ts';
import type { OwnMethod } from './instance.ts';
import { resyncLocal } from './resync.ts';
import type { Workspace } from './workspace.ts';

/** The requests that need an open workspace, each with the function that answers it. */
export type Answers = {
  [M in Exclude<Method, OwnMethod>]: (
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

type Batch = (workspace: Workspace, origin: string, ids: readonly string[]) => Promise<Conversation[]>;

/** The windows are to hear of it at once, the client only when it is done. */
const purge: Batch = async (workspace, origin, ids) => {
  const { db } = workspace;
  const purged = await publish(workspace, purgeConversations(db, origin, ids));
  await removePurged(db, (body) => db.write(body));
  return purged;
};

/** What `conversation/batch` does to several conversations at once. */
const batches: Record<Params<'conversation/batch'>['action'], Batch> = {
  delete: (workspace, origin, ids) => publish(workspace, deleteConversations(workspace.db, origin, ids)),
  restore: (workspace, origin, ids) => publish(workspace, restoreConversations(workspace.db, origin, ids)),
  purge,
};

export const answers: Answers = {
  'conversation/list': ({ db }, { includeDeleted }) => listConversations(db, includeDeleted ?? false),
  'conversation/create': (workspace, params, origin) =>
    publish(workspace, createConversation(workspace.db, origin, params)),
  'conversation/rename': (workspace, { conversationId, title }, origin) =>
    publish(workspace, renameConversation(workspace.db, origin, conversationId, title)),
  'conversation/update': (workspace, params, origin) =>
    publish(workspace, updateConversation(workspace.db, origin, params)),
  'conversation/delete': (workspace, { conversationId }, origin) =>
    publish(workspace, deleteConversation(workspace.db, origin, conversationId)),
  'conversation/restore': (workspace, { conversationId }, origin) =>
    publish(workspace, restoreConversation(workspace.db, origin, conversationId)),
  'conversation/purge': async (workspace, { conversationId }, origin) => {
    const [purged] = await purge(workspace, origin, [conversationId]);
    return purged as Conversation;
  },
  'conversation/batch': async (workspace, { action, conversationIds }, origin) => ({
    conversations: await batches[action](workspace, origin, conversationIds),
  }),
  'conversation/branch': (workspace, params, origin) =>
    publish(workspace, branchConversation(workspace.db, origin, params)),
  'conversation/usage': ({ db }, { conversationId }) => db.read(() => conversationUsage(db, conversationId)),
  'presence/set': (workspace, { conversationId }) => {
    workspace.show(conversationId);
    return null;
  },
  'conversation/markRead': (workspace, { conversationId, seq }, origin) =>
    publish(workspace, markRead(workspace.db, origin, conversationId, seq)),
  'message/add': (workspace, params, origin) => publish(workspace, addMessage(workspace.db, origin, params)),
  'message/update': (workspace, params, origin) => publish(workspace, updateMessage(workspace.db, origin, params)),
  'message/delete': (workspace, { messageId }, origin) =>
    publish(workspace, deleteMessage(workspace.db, origin, messageId)),
  'stream/start': ({ streams }, params) => streams.start(params),
  'stream/append': ({ streams }, { messageId, text }) => streams.append(messageId, text),
  'stream/finish': async ({ streams, db }, { messageId, status = 'complete', parts }) => {
    try {
      return await streams.finish(messageId, status, parts);
    } catch (error) {
      // It is tried again where the database had to be opened anew, and may have been stored before that.
      const ended = hasReason(error, 'not-found') ? endedStream(db, messageId, status) : undefined;
      if (!ended) throw error;
      return ended;
    }
  },
  'message/range': ({ db }, params) => messageRange(db, params),
  search: ({ db }, params) => searchMessages(db, params),
  'search/rebuild': async ({ db }) => ({ messages: await rebuildIndex(db) }),
  verify: (workspace, { repair }, origin) => publish(workspace, verify(workspace.db, origin, repair ?? false)),
  'workspaces/list': () => ({ workspaces: listWorkspaces(dataDir()) }),
  'workspaces/conversations': (_, { workspace }) => ({ conversations: workspaceConversations(dataDir(), workspace) }),
  'workspaces/relink': (_, { workspaceFolder, workspace }) => relinkWorkspace(dataDir(), workspaceFolder, workspace),
  'ingest/status': async (workspace) => {
    await workspace.settled();
    return workspace.ingestion.status();
  },
  'ingest/report': ({ db }) => reportIngestion(db),
  'ingest/log': ({ db }) => ({ log: db.read(() => ingestLog(db)) }),
  'ingest/import': ({ ingestion }, params) => ingestion.ask('ingest/import', params),
  'ingest/rescan': ({ ingestion }, params) => ingestion.ask('ingest/rescan', params),
  'ingest/cancel': ({ ingestion }, params) => ingestion.ask('ingest/cancel', params),
  'sync/status': async (workspace) => {
    await workspace.settled();
    return workspace.status();
  },
  'hub/try': ({ db }, settings) => tryHub(db, settings),
  'hub/status': ({ hub }) => hub.leaderStatus(),
  'conversation/share': (workspace, { conversationId, isShared }, origin) => {
    const change = isShared ? shareConversation : unshareConversation;
    return publish(workspace, change(workspace.db, origin, conversationId));
  },
  'conversation/alternatives': ({ db }, { conversationId }) => ({ versions: otherVersions(db, conversationId) }),
  'sync/resync': async (workspace, { conversationId }) => {
    const { db, hub } = workspace;
    const { isShared } = db.read(() => getConversation(db, conversationId));
    const result = isShared ? await hub.resync({ conversationId }) : await resyncLocal(db, conversationId);
    const { state, reason } = result;
    const isAtRest = { isValidating: false, isFetching: false, fetched: 0, wanted: 0 };
    workspace.notify('syncState', { conversationId, state, reason, ...isAtRest });
    return result;
  },
};
