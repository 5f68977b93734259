import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { adapters } from '../../../src/ingest/adapters.ts';
import { canonical, findTranscripts, topOf } from '../../../src/ingest/roots.ts';
import { useTempDirectory } from '../../support/tempDirectory.ts';

const FILES = 1000;

describe('transcripts in a directory', () => {
  const temp = useTempDirectory();
  const name = (number: number) => `2026/11/22/rollout-${number}.jsonl`;

  function write(root: string, way: string): string {
    const path = join(root, way);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, way);
    return path;
  }

  for (const isRemote of [false, true]) {
    it(`are each found once, through links too, on ${isRemote ? 'another machine' : 'this machine'}`, async () => {
      const path = canonical(temp.path);
      const [root, beside] = [join(path, 'sessions'), join(path, 'beside')];
      const expected = [0, 1, 2].map((number) => write(root, name(number)));
      expected.push(write(beside, 'rollout-linked.jsonl'), write(beside, 'month/01/rollout-in-a-linked-one.jsonl'));
      symlinkSync(join(beside, 'rollout-linked.jsonl'), join(root, 'rollout-a-link.jsonl'));
      symlinkSync(join(beside, 'month'), join(root, '2026/12'));
      symlinkSync(join(root, '2026/11'), join(root, '2026/10'));
      symlinkSync(join(path, 'gone'), join(root, 'rollout-leads-nowhere.jsonl'));
      mkdirSync(join(root, 'rollout-a-folder.jsonl'));
      write(root, 'something else.txt');
      write(root, `${name(1)}.zst`);
      expected.push(write(root, `${name(3)}.zst`));
      const found = await findTranscripts(topOf({ adapter: adapters.codex, path: root, isRemote }), []);
      assert.deepEqual(found.map((file) => file.path).sort(), expected.sort());
      assert.equal(
        found.find((file) => file.path.endsWith('rollout-linked.jsonl'))?.size,
        'rollout-linked.jsonl'.length,
      );
    });
  }

  it('are found by a link where a directory may be, too', async () => {
    const path = canonical(temp.path);
    const session = write(join(path, 'beside'), 'kept.jsonl');
    const [projects, project] = [join(path, 'projects'), '-work-engine'];
    mkdirSync(join(projects, project), { recursive: true });
    symlinkSync(session, join(projects, project, 'linked.jsonl'));
    const adapter = adapters['claude-code'];
    const found = await findTranscripts(topOf({ adapter, path: projects, isRemote: false }), ['/work/engine']);
    assert.deepEqual(
      found.map((file) => file.path),
      [session],
    );
  });

  it('are looked at in runs, between which others have their turn', async () => {
    for (let number = 0; number < FILES; number++) write(temp.path, name(number));
    let [turns, listed, isLooking] = [0, 0, true];
    const count = () => {
      turns++;
      if (isLooking) setImmediate(count);
    };
    setImmediate(count);
    const isTranscript = (way: string) => {
      listed = turns;
      return adapters.codex.isTranscript(way);
    };
    const adapter = { ...adapters.codex, isTranscript };
    const found = await findTranscripts(topOf({ adapter, path: canonical(temp.path), isRemote: false }), []);
    isLooking = false;
    assert.equal(found.length, FILES);
    assert.ok(turns - listed >= FILES / 100, `${turns - listed} turns`);
  });

  it('of a directory that is not there are none', async () => {
    const path = join(canonical(temp.path), 'sessions');
    assert.deepEqual(await findTranscripts(topOf({ adapter: adapters.codex, path, isRemote: false }), []), []);
  });
});
