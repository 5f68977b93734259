// Ingests a home directory into a database and says "commit" after every transaction and "settled" at the end.
//   node ingestProgram.ts DATABASE HOME FOLDER
import * as v from 'valibot';
import { startIngest } from '../../../src/ingest/ingest.ts';
import { IngestSettings } from '../../../src/protocol/ingest.ts';
import { Database } from '../../../src/store/database.ts';
import { readLeader, takeOverLeadership } from '../../../src/store/leader.ts';

const [, , path = '', home = '', folder = ''] = process.argv;
const db = await Database.open(path, () => []);
const instanceId = `program-${process.pid}`;
const epoch = await takeOverLeadership(db, instanceId, readLeader(db).epoch);
const ingest = await startIngest({
  db,
  leader: { instanceId, epoch: epoch ?? 0 },
  folders: [folder],
  settings: v.parse(IngestSettings, {}),
  log: () => undefined,
  onCommitted: () => process.stdout.write('commit\n'),
  home,
  env: {},
  watch: false,
});
await ingest.settled();
process.stdout.write('settled\n');
await ingest.close();
await db.close();
