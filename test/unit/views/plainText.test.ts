import assert from 'node:assert/strict';
import { withoutIcons, withoutLinks } from '../../../src/views/plainText.ts';

describe('texts for the editor', () => {
  it('show no icons that somebody wrote into them', () => {
    assert.equal(withoutIcons('$(alert) costs $5 (or $(sync~spin))'), '\\$(alert) costs $5 (or \\$(sync~spin))');
    assert.equal(withoutIcons('echo $(date +%s)'), 'echo $(date +%s)');
  });

  it('lead nowhere', () => {
    assert.equal(withoutLinks('[x](command:a) and [y](https://b)'), '[x]\u200B(command:a) and [y]\u200B(https://b)');
  });
});
