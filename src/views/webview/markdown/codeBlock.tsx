import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { CodeAction, PanelStrings } from '../../../protocol/panel.ts';
import { IconButton } from '../iconButton.tsx';
import { CheckIcon, CompareIcon, CopyIcon, InsertIcon, NewFileIcon } from '../icons.tsx';

const CONFIRMED_MS = 1500;

/** What can be done with code, and in whose words. */
export interface CodeActions {
  strings: PanelStrings;
  copy(text: string): Promise<unknown>;
  use(action: CodeAction, text: string, language: string): Promise<unknown>;
}

/** Gives a block of code a header that names its language. */
export function addHeader(pre: HTMLElement): void {
  const frame = document.createElement('div');
  const header = document.createElement('div');
  const name = document.createElement('span');
  frame.className = 'codeBlock';
  header.className = 'codeHeader';
  name.textContent = languageOf(pre);
  header.append(name);
  pre.replaceWith(frame);
  frame.append(header, pre);
}

/** Adds the buttons for what can be done with the code. */
export function addToolbar(pre: HTMLElement, actions: CodeActions): void {
  const toolbar = document.createElement('div');
  toolbar.className = 'codeActions';
  pre.previousElementSibling?.append(toolbar);
  const text = pre.textContent.replace(/\n$/, '');
  render(<CodeToolbar text={text} language={languageOf(pre)} actions={actions} />, toolbar);
}

/** The language that the author of a block of code has named; empty when there is none. */
export function languageOf(pre: HTMLElement): string {
  return /^language-(.+)$/.exec(pre.firstElementChild?.className ?? '')?.[1] ?? '';
}

function CodeToolbar({ text, language, actions }: { text: string; language: string; actions: CodeActions }) {
  const { strings } = actions;
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), CONFIRMED_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);

  const copy = async () => {
    await actions.copy(text);
    setCopied(true);
  };
  return (
    <>
      <IconButton name={isCopied ? strings.copied : strings.copy} onClick={copy}>
        {isCopied ? <CheckIcon /> : <CopyIcon />}
      </IconButton>
      <IconButton name={strings.insertAtCursor} onClick={() => actions.use('insert', text, language)}>
        <InsertIcon />
      </IconButton>
      <IconButton name={strings.createFile} onClick={() => actions.use('create', text, language)}>
        <NewFileIcon />
      </IconButton>
      <IconButton name={strings.compareWithFile} onClick={() => actions.use('compare', text, language)}>
        <CompareIcon />
      </IconButton>
    </>
  );
}
