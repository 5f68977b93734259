import { l10n, languages, Range, type TextDocument, type TextEditor, window, workspace } from 'vscode';
import { DevChatError } from '../protocol/errors.ts';
import type { CodeAction } from '../protocol/panel.ts';
import { addressOf, showDifferences } from './comparisons.ts';

/** The editor's names of languages that authors of code usually call otherwise. */
const editorLanguages: Readonly<Record<string, string>> = {
  bash: 'shellscript',
  'c++': 'cpp',
  cs: 'csharp',
  docker: 'dockerfile',
  js: 'javascript',
  jsx: 'javascriptreact',
  md: 'markdown',
  objc: 'objective-c',
  ps1: 'powershell',
  py: 'python',
  rb: 'ruby',
  rs: 'rust',
  sh: 'shellscript',
  shell: 'shellscript',
  ts: 'typescript',
  tsx: 'typescriptreact',
  yml: 'yaml',
  zsh: 'shellscript',
};

/**
 * Does something with code from a message, in the editor that was used last.
 * @throws {DevChatError} `bad-request` when there is none, `read-only` when its file cannot be changed
 */
export function useCode(action: CodeAction, code: string, language: string): Promise<void> {
  return actions[action](code, language);
}

const actions: Record<CodeAction, (code: string, language: string) => Promise<void>> = {
  insert: async (code) => {
    const target = lastEditor();
    const isDone = await target.edit((edit) => {
      for (const selection of target.selections) edit.replace(selection, code);
    });
    if (!isDone) throw new DevChatError('read-only', l10n.t('The file in the active editor cannot be changed.'));
    await window.showTextDocument(target.document, target.viewColumn);
  },
  create: async (content, language) => {
    await window.showTextDocument(await workspace.openTextDocument({ content, ...(await known(language)) }));
  },
  compare: async (code) => {
    const { document, selection } = lastEditor();
    const name = document.uri.path.split('/').at(-1) ?? '';
    const address = addressOf(name, selection.isEmpty ? code : withReplaced(document, selection, code));
    await languages.setTextDocumentLanguage(await workspace.openTextDocument(address), document.languageId);
    await showDifferences(document.uri, address, l10n.t('{0} ↔ code from the chat', name));
  },
};

function lastEditor(): TextEditor {
  const editor = window.activeTextEditor;
  if (!editor) throw new DevChatError('bad-request', l10n.t('Open a file first, and put the cursor where it matters.'));
  return editor;
}

async function known(language: string): Promise<{ language?: string }> {
  const id = editorLanguages[language.toLowerCase()] ?? language.toLowerCase();
  return (await languages.getLanguages()).includes(id) ? { language: id } : {};
}

function withReplaced(document: TextDocument, part: Range, code: string): string {
  const start = document.getText(new Range(document.positionAt(0), part.start));
  const text = document.getText();
  return start + code + text.slice(document.offsetAt(part.end));
}
