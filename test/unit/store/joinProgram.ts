// Registers so many peers in a database, one after the other, when told so on standard input: joinProgram FILE COUNT
import { once } from 'node:events';
import { v7 as uuid } from 'uuid';
import { Database } from '../../../src/store/database.ts';
import { registerPeer } from '../../../src/store/peers.ts';

const [, , path = '', count = ''] = process.argv;
const { pid } = process;
const db = await Database.open(path);
process.stdout.write('ready');
await once(process.stdin, 'data');
for (let index = 0; index < Number(count); index++) {
  await registerPeer(db, {
    instanceId: uuid(),
    endpoint: '',
    pid,
    editor: `${pid} ${index}`,
    version: '',
    startedAt: 0,
  });
}
await db.close();
process.exit();
