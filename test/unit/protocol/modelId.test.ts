import assert from 'node:assert/strict';
import fc from 'fast-check';
import { modelIdOf, ownModelName } from '../../../src/protocol/modelId.ts';
import { modelName } from '../../../src/views/webview/modelName.ts';

const provider = fc.string({ minLength: 1 }).filter((name) => !name.includes('/') && name !== 'editor');
const model = fc.string({ unit: fc.constantFrom('a', '/', ':', '-', '7') });

describe('id of a model', () => {
  it('gives the name back that its provider knows, slashes in it or not', () => {
    fc.assert(fc.property(provider, model, (name, own) => assert.equal(ownModelName(modelIdOf(name, own)), own)));
  });

  it('is shown as the name alone, also where the editor passes on what another one offers', () => {
    fc.assert(
      fc.property(provider, model, (name, own) => {
        assert.equal(modelName(modelIdOf(name, own)), own);
        assert.equal(modelName(modelIdOf('editor', modelIdOf(name, own))), own);
      }),
    );
  });
});
