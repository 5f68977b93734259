import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { Workspace, type WorkspaceEvents, type WorkspaceOptions } from '../../../src/instance/workspace.ts';
import type { SyncStatus } from '../../../src/protocol/rpc.ts';
import { useDatabases } from '../../support/database.ts';
import { introduce } from '../../support/peers.ts';
import { environmentIn, useEnvironment } from '../../support/tempDirectory.ts';

const hub = { url: 'http://127.0.0.1:1', token: 'token', share: 'none' } as const;

describe('a workspace with a hub', () => {
  const databases = useDatabases();
  useEnvironment(() => environmentIn(databases.directory));

  async function open(options: Partial<WorkspaceOptions>) {
    const told = new EventEmitter<{ status: [SyncStatus]; fault: [unknown] }>();
    const events: WorkspaceEvents = {
      notify: (name, params) => void (name === 'status' && told.emit('status', params as SyncStatus)),
      replaced: () => assert.fail('the database is in its place'),
      fault: (error) => told.emit('fault', error),
    };
    const log = () => undefined;
    const workspace = await Workspace.open(databases.path, introduce('Own'), events, { log, leads: true, ...options });
    databases.directory.defer(() => workspace.close());
    const until = async (fits: (status: SyncStatus) => boolean) => {
      for (;;) {
        const [status] = await once(told, 'status');
        if (fits(status)) return;
      }
    };
    return { workspace, told, until };
  }

  it('goes on when the database cannot be read for a while, and tells then how the connection stands', async () => {
    const { workspace, told, until } = await open({ hub });
    await until((status) => status.hub?.state === 'offline');
    const raw = databases.raw();
    raw.exec('ALTER TABLE hub_outbox RENAME TO elsewhere');
    // The client fails to connect again, and tells so.
    await once(told, 'fault');
    raw.exec('ALTER TABLE elsewhere RENAME TO hub_outbox');
    await workspace.hub.configure(null);
    assert.equal(workspace.status().hub, null);
  });

  it('tells later what it could not tell', async () => {
    const { workspace, told, until } = await open({ leads: false });
    const raw = databases.raw();
    raw.exec('ALTER TABLE hub_outbox RENAME TO elsewhere');
    const fault = once(told, 'fault');
    await workspace.hub.configure(hub);
    await fault;
    raw.exec('ALTER TABLE elsewhere RENAME TO hub_outbox');
    await until((status) => status.hub?.state === 'follower');
  });

  it('finds out once how the connection stands', async () => {
    const { workspace, until } = await open({ leads: false });
    const { hub: access } = workspace;
    let count = 0;
    const status = access.status.bind(access);
    access.status = () => {
      count++;
      return status();
    };
    const told = until((status) => status.hub?.state === 'follower');
    await access.configure(hub);
    await told;
    assert.equal(count, 1);
  });
});
