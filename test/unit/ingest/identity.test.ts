import assert from 'node:assert/strict';
import fc from 'fast-check';
import { validate, version } from 'uuid';
import { identity, rowId } from '../../../src/ingest/identity.ts';

describe('ids of what agents have named', () => {
  const names = fc.string({ unit: fc.constantFrom('a', 'b', '/', ' ', 'é') });
  const times = fc.oneof(fc.nat({ max: 3 }), fc.integer({ min: 0, max: 2 ** 48 - 1 }));

  it('are the same again, in order of time, and as a database wants them', () => {
    fc.assert(
      fc.property(times, times, names, names, (time, other, name, otherName) => {
        const [id, otherId] = [rowId(time, 'codex', name), rowId(other, 'codex', otherName)];
        assert.ok(validate(id) && version(id) === 7);
        assert.equal(rowId(time, 'codex', name), id);
        assert.equal(id === otherId, time === other && name === otherName);
        if (time !== other) assert.equal(id < otherId, time < other);
      }),
    );
  });

  it('differ with the agent as with the name', () => {
    const sources = fc.constantFrom('codex', 'gemini');
    fc.assert(
      fc.property(sources, sources, names, names, (source, otherSource, name, otherName) => {
        const isSame = source === otherSource && name === otherName;
        assert.equal(identity(source, name) === identity(otherSource, otherName), isSame);
      }),
    );
  });
});
