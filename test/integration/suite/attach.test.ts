import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import {
  Diagnostic,
  EventEmitter,
  commands as editor,
  env,
  languages,
  Position,
  Range,
  Selection,
  Uri,
  window,
  workspace,
} from 'vscode';
import { readAttachment, readFile } from '../../../src/views/attach.ts';

describe('what can be attached to a message', () => {
  const folder = () => workspace.workspaceFolders?.[0]?.uri ?? assert.fail();
  const fails = { reason: 'bad-request' };

  before(async () => {
    writeFileSync(join(folder().fsPath, 'a.ts'), 'one;\ntwo;\nthree;\n');
    await window.showTextDocument(Uri.joinPath(folder(), 'a.ts'));
  });
  after(() => editor.executeCommand('workbench.action.revertAndCloseActiveEditor'));

  it('is the selection in the active editor, with its lines', async () => {
    const { activeTextEditor } = window;
    assert.ok(activeTextEditor);
    activeTextEditor.selection = new Selection(1, 0, 2, 0);
    const lines = { path: 'a.ts', language: 'typescript', startLine: 2, endLine: 2 };
    const selection = { kind: 'selection', ...lines, text: 'two;\n', omitted: 0 };
    assert.deepEqual(await readAttachment({ kind: 'selection' }), selection);
    activeTextEditor.selection = new Selection(1, 0, 1, 0);
    await assert.rejects(readAttachment({ kind: 'selection' }), fails);
  });

  it('is a file of the workspace as the editor has it, saved or not', async () => {
    await window.activeTextEditor?.edit((change) => change.insert(new Position(1, 0), 'new;\n'));
    const file = { kind: 'file', path: 'a.ts', language: 'typescript', text: 'one;\nnew;\ntwo;\nthree;\n', omitted: 0 };
    assert.deepEqual(await readAttachment({ kind: 'file', path: 'a.ts' }), file);
    assert.deepEqual(await readAttachment({ kind: 'file', path: './a.ts' }), file);
    assert.deepEqual(await readFile(undefined), file);
  });

  it('is no file that is not there, or not in the workspace', async () => {
    writeFileSync(join(folder().fsPath, '..', 'outside.ts'), 'secret');
    for (const path of ['none.ts', '../outside.ts', 'x/../../outside.ts', '/etc/passwd', '']) {
      await assert.rejects(readAttachment({ kind: 'file', path }), fails, path);
    }
  });

  it('is what is reported about the workspace', async () => {
    await assert.rejects(readAttachment({ kind: 'problems' }), fails);
    const collection = languages.createDiagnosticCollection('test');
    try {
      collection.set(Uri.joinPath(folder(), 'a.ts'), [new Diagnostic(new Range(2, 0, 2, 1), 'No good.')]);
      const problems = { kind: 'problems', text: 'a.ts:3: error: No good.', omitted: 0 };
      assert.deepEqual(await readAttachment({ kind: 'problems' }), problems);
    } finally {
      collection.dispose();
    }
  });

  it('is what is selected in the terminal, and the clipboard stays what it was', async () => {
    const output = new EventEmitter<string>();
    const pty = { onDidWrite: output.event, open: () => output.fire('$ npm test\r\n2 failed'), close: () => undefined };
    const terminal = window.createTerminal({ name: 'Tests', pty });
    try {
      terminal.show();
      await env.clipboard.writeText('the user’s own');
      await editor.executeCommand('workbench.action.terminal.clearSelection');
      await assert.rejects(readAttachment({ kind: 'terminal' }), fails);
      const selection = async () => {
        await editor.executeCommand('workbench.action.terminal.selectAll');
        return readAttachment({ kind: 'terminal' }).catch(() => undefined);
      };
      // A terminal tells nobody when it has drawn what was written to it.
      let attachment = await selection();
      while (!attachment?.text.includes('2 failed')) attachment = await selection();
      const text = '$ npm test\n2 failed';
      assert.deepEqual(
        { ...attachment, text: attachment.text.trim() },
        { kind: 'terminal', name: 'Tests', text, omitted: 0 },
      );
      assert.equal(await env.clipboard.readText(), 'the user’s own');
    } finally {
      terminal.dispose();
      output.dispose();
    }
  });
});
