import { stat } from 'node:fs/promises';
import { l10n, type Uri, window, workspace } from 'vscode';
import type { ImportResult } from '../../protocol/ingest.ts';
import { type Command, chooseOne } from '../commandTarget.ts';
import { sourceName } from '../conversationItems.ts';
import { showReport } from './reports.ts';
import { resumeCommand } from './resume.ts';

/** The commands about agents' transcripts. */
export const importing = {
  importTranscripts: async (context) => {
    const paths = await pickPaths();
    if (paths === undefined) return;
    const { client, progress } = context;
    const params = paths.length === 0 ? {} : { paths: paths.map(({ fsPath }) => fsPath) };
    await tell(await progress.run(client.request('ingest/import', params)));
  },
  showImportReport: () => showReport('import-report.md'),
  showSyncStatus: () => showReport('sync-status.md'),
  continueInTerminal: async (context, target) => {
    const conversation = await chooseOne(context, target, l10n.t('Continue which conversation?'));
    if (!conversation) return;
    const command = resumeCommand(conversation);
    if (command === undefined) {
      void window.showWarningMessage(l10n.t('This conversation cannot be continued in a terminal.'));
      return;
    }
    const cwd = await folderOf(conversation.origin?.cwd);
    const terminal = window.createTerminal({ name: sourceName(conversation.source), ...(cwd && { cwd }) });
    terminal.show();
    terminal.sendText(command);
  },
} satisfies Record<string, Command>;

/** The files and folders to import; none for what belongs to the workspace, undefined when nothing was chosen. */
async function pickPaths(): Promise<readonly Uri[] | undefined> {
  const ours = { label: l10n.t('Sessions in This Workspace'), detail: l10n.t('Looks at all transcripts again.') };
  const files = {
    label: l10n.t('Files…'),
    detail: l10n.t('Transcripts from anywhere, whatever folder they belong to.'),
  };
  const folder = { label: l10n.t('Folder…'), detail: l10n.t('All transcripts in a folder.') };
  const picked = await window.showQuickPick([ours, files, folder], {
    placeHolder: l10n.t('Import which transcripts?'),
  });
  if (!picked || picked === ours) return picked && [];
  const canSelectMany = picked === files;
  return window.showOpenDialog({ canSelectMany, canSelectFiles: canSelectMany, canSelectFolders: !canSelectMany });
}

async function tell({ files, found, stored, duplicates, quarantined }: ImportResult): Promise<void> {
  const report = l10n.t('Show Report');
  const text = l10n.t(
    'Transcripts: {0}. Records: {1} = {2} stored + {3} known before + {4} not readable.',
    files,
    found,
    stored,
    duplicates,
    quarantined,
  );
  if ((await window.showInformationMessage(text, report)) === report) await showReport('import-report.md');
}

/** Where the agent worked, if that is still there; otherwise the editor's own choice. */
async function folderOf(cwd: string | null | undefined): Promise<string | undefined> {
  const isThere =
    cwd &&
    (await stat(cwd).then(
      (stats) => stats.isDirectory(),
      () => false,
    ));
  return isThere ? cwd : workspace.workspaceFolders?.[0]?.uri.fsPath;
}
