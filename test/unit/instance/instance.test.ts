import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { Instance } from '../../../src/instance/instance.ts';
import { hasReason, useDatabases } from '../../support/database.ts';
import { environmentIn, useEnvironment } from '../../support/tempDirectory.ts';

describe('instance', () => {
  const databases = useDatabases();
  useEnvironment(() => environmentIn(databases.directory));

  async function open() {
    const instance = new Instance({ notify: () => undefined, log: () => undefined });
    databases.directory.defer(() => instance.close());
    await instance.handle('initialize', { databasePath: databases.path });
    return instance;
  }

  const peers = () => databases.raw().prepare('SELECT count(*) FROM peers').pluck().get();

  it('has left its peers when any of the calls that close it returns', async () => {
    const instance = await open();
    assert.equal(peers(), 1);
    void instance.close();
    assert.equal(await instance.close(), null);
    assert.equal(peers(), 0);
  });

  it('answers nothing any more when it is closed, nor opens anything', async () => {
    const instance = await open();
    await instance.close();
    await assert.rejects(instance.handle('conversation/list', {}), hasReason('not-initialized'));
    const again = instance.handle('initialize', { databasePath: databases.path });
    await assert.rejects(again, hasReason('bad-request'));
    assert.equal(peers(), 0);
  });

  it('takes no leadership when it is not to lead', async () => {
    const instance = new Instance({ notify: () => undefined, log: () => undefined }, { leads: false });
    databases.directory.defer(() => instance.close());
    await instance.handle('initialize', { databasePath: databases.path });
    assert.equal((await instance.handle('sync/status', {})).leader, null);
    const leader = await open();
    while (!(await leader.handle('sync/status', {})).leader) await delay(5);
    assert.equal((await instance.handle('sync/status', {})).leader?.instanceId, leader.id);
  });
});
