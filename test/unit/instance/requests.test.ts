import assert from 'node:assert/strict';
import { answers } from '../../../src/instance/requests.ts';
import { Workspace } from '../../../src/instance/workspace.ts';
import { useDatabases } from '../../support/database.ts';
import { introduce } from '../../support/peers.ts';
import { environmentIn, useEnvironment } from '../../support/tempDirectory.ts';

describe('answer to a write', () => {
  const databases = useDatabases();
  useEnvironment(() => environmentIn(databases.directory));

  it('is what was stored, though the siblings could not be told', async () => {
    const log: string[] = [];
    const self = introduce('Own');
    const events = { notify: () => undefined, replaced: () => undefined };
    const options = { log: (_: string, text: string) => void log.push(text), leads: false };
    const workspace = await Workspace.open(databases.path, self, events, options);
    databases.directory.defer(() => workspace.close());
    const read = workspace.db.read;
    workspace.db.read = () => {
      throw new Error('no more reading');
    };
    const created = await answers['conversation/create'](workspace, { title: 'Kept' }, self.instanceId);
    workspace.db.read = read;
    assert.equal(created.title, 'Kept');
    assert.ok(log.some((line) => line.includes('no more reading')));
  });
});
