import assert from 'node:assert/strict';
import { mock } from 'node:test';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { workspaceDirectory } from '../../../src/store/catalog.ts';
import { assertNodeVersion, assertSqliteVersion } from '../../../src/store/runtime.ts';
import { hasReason, useDatabases } from '../../support/database.ts';

describe('versions of the runtime', () => {
  const databases = useDatabases();

  const nodes: [version: string, isEnough: boolean][] = [
    ['18.20.8', false],
    ['20.20.2', false],
    ['21.7.3', false],
    ['22.0.0', true],
    ['22.21.1', true],
    ['24.0.0-nightly', true],
    ['100.1.0', true],
    ['9.99.99', false],
  ];
  for (const [version, isEnough] of nodes) {
    it(`${isEnough ? 'accept' : 'refuse'} Node.js ${version}`, () => {
      if (isEnough) assertNodeVersion(version);
      else assert.throws(() => assertNodeVersion(version), hasReason('unsupported-node'));
    });
  }

  it('accept whatever is newer than what they accept', () => {
    const part = fc.integer({ min: 0, max: 120 });
    const version = fc.tuple(fc.integer({ min: 0, max: 5 }), part, part);
    const isAccepted = (parts: readonly number[]) => {
      try {
        assertSqliteVersion(parts.join('.'));
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(version, fc.nat({ max: 2 }), fc.array(part, { minLength: 3, maxLength: 3 }), (parts, at, rest) => {
        const newer = parts.map((one, index) => (index < at ? one : index === at ? one + 1 : (rest[index] ?? 0)));
        if (isAccepted(parts)) assert.ok(isAccepted(newer), `${parts} but not ${newer}`);
        assert.equal(isAccepted(parts.slice(0, 2)), isAccepted([...parts.slice(0, 2), 0]));
      }),
    );
  });

  const sqlites: [version: string, isEnough: boolean][] = [
    ['3.7.0', false],
    ['3.51.2', false],
    ['3.51.3', true],
    ['3.52.0', true],
    ['4.0.0', true],
    ['3.9.99', false],
    ['3.51', false],
  ];
  for (const [version, isEnough] of sqlites) {
    it(`${isEnough ? 'accept' : 'refuse'} SQLite ${version}`, () => {
      if (isEnough) assertSqliteVersion(version);
      else assert.throws(() => assertSqliteVersion(version), hasReason('unsupported-sqlite'));
    });
  }

  it('refuse to open anything with an SQLite that is too old', async () => {
    const { prepare } = Sqlite.prototype;
    const old = mock.method(Sqlite.prototype, 'prepare', function (this: Sqlite.Database, text: string) {
      return prepare.call(this, text.replace('sqlite_version()', `'3.51.2'`));
    });
    try {
      await assert.rejects(databases.open(), hasReason('unsupported-sqlite'));
      assert.throws(() => workspaceDirectory(databases.directory.path, []), hasReason('unsupported-sqlite'));
    } finally {
      old.mock.restore();
    }
  });

  it('names both versions to the user', () => {
    assert.throws(() => assertNodeVersion('20.20.2'), /Node\.js 22 .*20\.20\.2/);
    assert.throws(() => assertSqliteVersion('3.51.2'), /3\.51\.3 .*3\.51\.2/);
  });
});
