/** Every command this extension contributes, by what it does. */
export const commands = {
  newConversation: 'devchat.newConversation',
  renameConversation: 'devchat.renameConversation',
  deleteConversation: 'devchat.deleteConversation',
  restoreConversation: 'devchat.restoreConversation',
  /** Shows a conversation in the panel; the tree runs it, the palette does not offer it. */
  openConversation: 'devchat.openConversation',
  search: 'devchat.search',
  resync: 'devchat.resync',
  resyncAll: 'devchat.resyncAll',
  rebuildIndex: 'devchat.rebuildIndex',
  showLog: 'devchat.showLog',
  /** Starts the process behind the history again, e.g. after a problem was mended. */
  restart: 'devchat.restart',
} as const;

/** The views, all in the container `devchat`. */
export const views = { conversations: 'devchat.conversations', chat: 'devchat.chat' } as const;

/** The settings. */
export const settings = { databaseLocation: 'devchat.database.location' } as const;

/** `contextValue`s of tree items, which menus match. */
export const itemContexts = { conversation: 'conversation' } as const;

/** Keys that `when` clauses match. */
export const contextKeys = {
  /** State of the history: `starting`, `ready`, `restarting` or `failed`. */
  state: 'devchat.state',
} as const;
