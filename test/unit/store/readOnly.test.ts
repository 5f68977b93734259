import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { addTestMessage, createTestConversation, useDatabases } from '../../support/database.ts';

const program = join(import.meta.dirname, '../../support/readOnlyProgram.ts');
const NOBODY = 65_534;

/** What another user finds. */
interface Seen {
  reason: string | null;
  texts: string[];
  refused: string;
  isWritable: boolean;
  problems: string[];
}

describe('database that cannot be written', () => {
  const databases = useDatabases();

  beforeEach(function () {
    // Another user than the superuser, who may write everything, has to be had.
    if (process.platform === 'win32' || process.getuid?.() !== 0) this.skip();
  });

  /** Opens the database as another user. */
  function openAsNobody(): Seen {
    chmodSync(databases.directory.path, 0o755);
    const { stdout, stderr } = spawnSync(process.execPath, [program, databases.path], { uid: NOBODY, gid: NOBODY });
    assert.equal(stderr.toString(), '');
    return JSON.parse(stdout.toString());
  }

  async function closedWithAMessage(mode: { file: number; folder: number }, damage?: string): Promise<void> {
    const db = await databases.open();
    await addTestMessage(db, (await createTestConversation(db)).id, 'readable');
    if (damage !== undefined) db.sql(damage).run();
    await db.close();
    const folder = dirname(databases.path);
    for (const name of readdirSync(folder)) chownSync(join(folder, name), NOBODY, NOBODY);
    chownSync(folder, NOBODY, NOBODY);
    chmodSync(databases.path, mode.file);
    chmodSync(folder, mode.folder);
  }

  for (const [what, mode] of [
    ['its file may not', { file: 0o400, folder: 0o700 }],
    ['its folder may not', { file: 0o600, folder: 0o500 }],
    ['neither file nor folder may', { file: 0o400, folder: 0o500 }],
  ] as const) {
    it(`is shown, and says why it cannot be changed, when ${what} be written`, async () => {
      await closedWithAMessage(mode);
      const { reason, texts, refused, isWritable, problems } = openAsNobody();
      assert.deepEqual([texts, refused, isWritable, problems], [['readable'], 'read-only', false, []]);
      assert.match(
        String(reason),
        /^The chat database .*chat\.db cannot be written \(EACCES\)\. Give yourself the right/,
      );
    });
  }

  for (const folder of [0o700, 0o500]) {
    it(`has its search index checked, in a folder of the mode ${folder.toString(8)}`, async () => {
      await closedWithAMessage(
        { file: 0o400, folder },
        `INSERT INTO message_index(message_index) VALUES ('delete-all')`,
      );
      assert.deepEqual(openAsNobody().problems, ['The search index does not fit the messages.']);
    });
  }

  it('is shown with what is only in its log, where the index of that cannot be made', async () => {
    await closedWithAMessage({ file: 0o600, folder: 0o700 });
    const db = await databases.open();
    await addTestMessage(db, (await createTestConversation(db)).id, 'in the log');
    const folder = dirname(databases.path);
    const copy = join(databases.directory.path, 'copy');
    mkdirSync(copy);
    for (const suffix of ['', '-wal']) copyFileSync(databases.path + suffix, join(copy, `chat.db${suffix}`));
    for (const name of readdirSync(copy)) chownSync(join(copy, name), NOBODY, NOBODY);
    await db.close();
    renameSync(folder, `${folder}.old`);
    renameSync(copy, folder);
    chownSync(folder, NOBODY, NOBODY);
    chmodSync(folder, 0o500);
    assert.deepEqual(openAsNobody().texts, ['readable', 'in the log']);
  });

  it('is found writable once it is', async () => {
    await closedWithAMessage({ file: 0o600, folder: 0o700 });
    assert.deepEqual(openAsNobody(), {
      reason: null,
      texts: ['readable'],
      refused: '',
      isWritable: true,
      problems: [],
    });
  });
});
