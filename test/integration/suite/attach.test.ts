import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { Diagnostic, commands as editor, languages, Range, Selection, Uri, window, workspace } from 'vscode';
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
    await window.activeTextEditor?.edit((change) =>
      change.insert(window.activeTextEditor?.selection.active ?? assert.fail(), 'new;\n'),
    );
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
});
