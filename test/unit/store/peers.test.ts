import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { listPeers } from '../../../src/store/peers.ts';
import { useDatabases } from '../../support/database.ts';

const PROCESSES = 8;
const JOINS = 50;

describe('registry of peers', () => {
  const databases = useDatabases();

  it('holds all 400 that eight processes register at the same time', async () => {
    const db = await databases.open();
    const program = join(import.meta.dirname, 'joinProgram.ts');
    const children = Array.from({ length: PROCESSES }, () =>
      spawn(process.execPath, [program, databases.path, `${JOINS}`], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    const ends = children.map((child) => once(child, 'close'));
    await Promise.all(children.map((child) => once(child.stdout, 'data')));
    for (const child of children) child.stdin.write('go');
    assert.deepEqual(await Promise.all(ends), Array(PROCESSES).fill([0, null]));
    const registered = listPeers(db).map(({ editor }) => editor);
    const expected = children.flatMap(({ pid }) => Array.from({ length: JOINS }, (_, index) => `${pid} ${index}`));
    assert.deepEqual(registered.toSorted(), expected.toSorted());
  }).timeout(30_000);
});
