import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { commands as editor, type Tab, TabInputWebview, window } from 'vscode';
import { chatEditorType, commands } from '../../../src/views/contributions.ts';

function chatTabs(): Tab[] {
  const tabs = window.tabGroups.all.flatMap((group) => group.tabs);
  return tabs.filter(({ input }) => input instanceof TabInputWebview && input.viewType.endsWith(chatEditorType));
}

/** The tabs are known here a moment after they are opened. */
function tabsChange(): Promise<void> {
  return new Promise((resolve) => {
    const listener = window.tabGroups.onDidChangeTabs(() => {
      listener.dispose();
      resolve();
    });
  });
}

describe('what the commands of DevChat open', () => {
  it('is an editor for each conversation', async () => {
    await editor.executeCommand(commands.newConversation);
    await editor.executeCommand(commands.openInEditor);
    await editor.executeCommand(commands.newConversation);
    await editor.executeCommand(commands.openInEditor, '01900000-0000-7000-8000-000000000001');
    while (chatTabs().length < 2) await tabsChange();
    await window.tabGroups.close(chatTabs());
  });

  it('is a report of how the history stands', async () => {
    await editor.executeCommand(commands.showDiagnostics);
    const text = window.activeTextEditor?.document.getText() ?? '';
    assert.match(text, /^# DevChat diagnostics/);
    assert.match(text, /- state: ready/);
    assert.match(text, /- databasePath: .*chat\.db/);
    await editor.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });
});
