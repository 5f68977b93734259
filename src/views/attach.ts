import {
  type Diagnostic,
  commands as editor,
  env,
  FileType,
  l10n,
  languages,
  type QuickPickItem,
  type TextDocument,
  Uri,
  window,
  workspace,
} from 'vscode';
import {
  type Attachment,
  fileAttachment,
  type Problem,
  problemsAttachment,
  selectionAttachment,
  terminalAttachment,
} from '../protocol/attachments.ts';
import { DevChatError } from '../protocol/errors.ts';
import type { Mention } from '../protocol/mentions.ts';

/** By the editor's own numbers. */
const severities: readonly Problem['severity'][] = ['error', 'warning', 'information', 'hint'];

/**
 * What is to be attached, as it is in the editor now.
 * @throws {DevChatError} `bad-request` when there is no such thing, in words for the user
 */
export async function readAttachment(mention: Mention): Promise<Attachment> {
  switch (mention.kind) {
    case 'selection':
      return readSelection();
    case 'file':
      return readFile(await findFile(mention.path));
    case 'problems':
      return readProblems();
    case 'terminal':
      return readTerminal();
  }
}

/**
 * A whole file as the editor has it, with what is not saved yet.
 * @param uri without it, the file of the active editor
 * @throws {DevChatError} `bad-request`
 */
export async function readFile(uri: Uri | undefined): Promise<Attachment> {
  const document = uri ? await openText(uri) : window.activeTextEditor?.document;
  if (!document) throw nothing(l10n.t('Open a file first, to attach it.'));
  return fileAttachment({ ...sourceOf(document), text: document.getText() });
}

/** Lets the user choose what to attach; undefined when nothing was chosen. */
export async function pickMention(): Promise<Mention | 'file' | undefined> {
  const items: (QuickPickItem & { mention: Mention | 'file' })[] = [
    { label: `$(selection) ${l10n.t('Selection')}`, mention: { kind: 'selection' } },
    { label: `$(file) ${l10n.t('Active File')}`, mention: 'file' },
    { label: `$(warning) ${l10n.t('Problems')}`, mention: { kind: 'problems' } },
    { label: `$(terminal) ${l10n.t('Terminal Selection')}`, mention: { kind: 'terminal' } },
  ];
  const placeHolder = l10n.t('Attach what? In a message, #selection, #file:path, #problems and #terminal do the same.');
  return (await window.showQuickPick(items, { placeHolder }))?.mention;
}

function readSelection(): Attachment {
  const { document, selection } = window.activeTextEditor ?? {};
  if (!document || !selection || selection.isEmpty) throw nothing(l10n.t('Select something in an editor first.'));
  const { start, end } = selection;
  // A selection that ends at the beginning of a line has nothing of that line.
  const endLine = end.character === 0 && end.line > start.line ? end.line : end.line + 1;
  return selectionAttachment({
    ...sourceOf(document),
    startLine: start.line + 1,
    endLine,
    text: document.getText(selection),
  });
}

function readProblems(): Attachment {
  const problems = languages
    .getDiagnostics()
    .flatMap(([uri, diagnostics]) => diagnostics.map((diagnostic) => toProblem(uri, diagnostic)));
  if (problems.length === 0) throw nothing(l10n.t('No problems are reported in this workspace.'));
  return problemsAttachment(problems);
}

function toProblem(uri: Uri, { range, severity, message }: Diagnostic): Problem {
  return {
    path: workspace.asRelativePath(uri),
    line: range.start.line + 1,
    severity: severities[severity] ?? 'hint',
    message,
  };
}

/** The editor tells no extension what is selected in a terminal, but copies it; the user's clipboard is put back. */
async function readTerminal(): Promise<Attachment> {
  const before = await env.clipboard.readText();
  await env.clipboard.writeText('');
  await editor.executeCommand('workbench.action.terminal.copySelection');
  const text = await env.clipboard.readText();
  await env.clipboard.writeText(before);
  if (text.trim() === '') throw nothing(l10n.t('Select something in a terminal first.'));
  return terminalAttachment(window.activeTerminal?.name ?? l10n.t('Terminal'), text);
}

/** The file of the workspace with this path, which in a workspace of several folders may begin with the folder's name. */
async function findFile(path: string): Promise<Uri> {
  const inside = path.split(/[/\\]/u).filter((name) => name !== '' && name !== '.');
  for (const folder of workspace.workspaceFolders ?? []) {
    const candidates = [inside, ...(inside[0] === folder.name ? [inside.slice(1)] : [])];
    for (const names of candidates) {
      const uri = Uri.joinPath(folder.uri, ...names);
      // What is mentioned may come from anyone, so it reaches no further than the workspace.
      if (!names.includes('..') && (await isFile(uri))) return uri;
    }
  }
  throw nothing(l10n.t('There is no file “{0}” in this workspace.', path));
}

async function isFile(uri: Uri): Promise<boolean> {
  return workspace.fs.stat(uri).then(
    ({ type }) => (type & FileType.File) !== 0,
    () => false,
  );
}

async function openText(uri: Uri): Promise<TextDocument> {
  try {
    return await workspace.openTextDocument(uri);
  } catch (error) {
    throw new DevChatError('bad-request', l10n.t('{0} cannot be attached: {1}', uri.path, String(error)));
  }
}

function sourceOf({ uri, languageId }: TextDocument): { path: string; language: string } {
  return { path: workspace.asRelativePath(uri), language: languageId };
}

function nothing(text: string): DevChatError {
  return new DevChatError('bad-request', text);
}
