/** Every command this extension contributes, by what it does. */
export const commands = {
  newConversation: 'devchat.newConversation',
  renameConversation: 'devchat.renameConversation',
  deleteConversation: 'devchat.deleteConversation',
  restoreConversation: 'devchat.restoreConversation',
  /** Deletes for good. */
  purgeConversation: 'devchat.purgeConversation',
  pinConversation: 'devchat.pinConversation',
  unpinConversation: 'devchat.unpinConversation',
  archiveConversation: 'devchat.archiveConversation',
  unarchiveConversation: 'devchat.unarchiveConversation',
  editTags: 'devchat.editTags',
  duplicateConversation: 'devchat.duplicateConversation',
  /** Copies a conversation up to a message; the panel runs it, the palette does not offer it. */
  branchConversation: 'devchat.branchConversation',
  export: 'devchat.export',
  copyConversation: 'devchat.copyConversation',
  openInEditor: 'devchat.openInEditor',
  groupByTime: 'devchat.groupByTime',
  groupBySource: 'devchat.groupBySource',
  filter: 'devchat.filter',
  clearFilter: 'devchat.clearFilter',
  showOtherWorkspaces: 'devchat.showOtherWorkspaces',
  /** Has the folder use a history that is already there. */
  relink: 'devchat.relink',
  /** Shows a conversation in the panel; links run it, the palette does not offer it. */
  openConversation: 'devchat.openConversation',
  search: 'devchat.search',
  resync: 'devchat.resync',
  resyncAll: 'devchat.resyncAll',
  rebuildIndex: 'devchat.rebuildIndex',
  /** Chooses who answers in the conversation that is shown. */
  selectModel: 'devchat.selectModel',
  setApiKey: 'devchat.setApiKey',
  /** Asks what to attach to the next message; the others know. */
  attach: 'devchat.attach',
  attachSelection: 'devchat.attachSelection',
  attachFile: 'devchat.attachFile',
  attachProblems: 'devchat.attachProblems',
  attachTerminalSelection: 'devchat.attachTerminalSelection',
  /** Takes transcripts of coding agents into the history. */
  importTranscripts: 'devchat.importTranscripts',
  showImportReport: 'devchat.showImportReport',
  /** Has the agent go on with a conversation that was imported from it. */
  continueInTerminal: 'devchat.continueInTerminal',
  showSyncStatus: 'devchat.showSyncStatus',
  /** Connects this history to a hub, for other machines and people. */
  connectHub: 'devchat.connectHub',
  disconnectHub: 'devchat.disconnectHub',
  shareConversation: 'devchat.shareConversation',
  stopSharing: 'devchat.stopSharing',
  /** Shows the edits that lost against others in a shared conversation. */
  showOtherVersions: 'devchat.showOtherVersions',
  /** What the status bar offers. */
  showActions: 'devchat.showActions',
  showDiagnostics: 'devchat.showDiagnostics',
  showLog: 'devchat.showLog',
  /** Starts the process behind the history again, e.g. after a problem was mended. */
  restart: 'devchat.restart',
} as const;

/** Shows the row that was clicked; only the list of conversations runs it. */
export const openRow = 'devchat.openRow';

/** The views, all in the container `devchat`. */
export const views = { conversations: 'devchat.conversations', chat: 'devchat.chat' } as const;

/** What a chat editor is known by, also to a window that opens it again. */
export const chatEditorType = 'devchat.editor';

/** The settings. */
export const settings = {
  databaseLocation: 'devchat.database.location',
  /** Whether formulas are set; otherwise they are shown as they are written. */
  chatMath: 'devchat.chat.math',
  /** The services that speak OpenAI's protocol. */
  modelEndpoints: 'devchat.models.endpoints',
  /** The agents whose transcripts are read. */
  importSources: 'devchat.import.sources',
  importDirectories: 'devchat.import.directories',
  importRedact: 'devchat.import.redact',
  importWorktrees: 'devchat.import.worktrees',
  importPolling: 'devchat.import.polling',
  importRetentionDays: 'devchat.import.retentionDays',
  /** The hub, and what is shared through it of itself. */
  hubUrl: 'devchat.hub.url',
  hubShare: 'devchat.hub.share',
} as const;

/** Words in the `contextValue` of tree items, which menus match. */
export const itemContexts = {
  conversation: 'conversation',
  pinned: 'pinned',
  archived: 'archived',
  /** An agent can go on with it. */
  resumable: 'resumable',
  /** It is shared through the hub. */
  shared: 'shared',
  group: 'group',
} as const;

/** Keys that `when` clauses match. */
export const contextKeys = {
  /** State of the history: `starting`, `ready`, `restarting` or `failed`. */
  state: 'devchat.state',
  /** What the list is divided by: `time` or `source`. */
  grouping: 'devchat.grouping',
  /** Whether the list leaves out some conversations. */
  isFiltered: 'devchat.isFiltered',
} as const;
