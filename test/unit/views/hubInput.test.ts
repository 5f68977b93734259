import assert from 'node:assert/strict';
import { tokenProblem, urlProblem } from '../../../src/views/hubInput.ts';

describe('what the user enters of a hub', () => {
  it('is an address, with encryption unless it is on this computer', () => {
    for (const url of [
      'https://hub.example.com',
      'https://hub.example.com:8443/devchat',
      'http://127.0.0.1:4870',
      'http://localhost:1',
      'http://[::1]:1',
    ]) {
      assert.equal(urlProblem(url), undefined, url);
    }
    for (const url of ['', 'hub.example.com', 'ftp://hub.example.com', 'https://'])
      assert.equal(urlProblem(url), 'no-url', url);
    for (const url of ['http://hub.example.com', 'http://localhost.example.com', 'http://10.0.0.1']) {
      assert.equal(urlProblem(url), 'no-encryption', url);
    }
  });

  it('is a token in the form that the hub gives it', () => {
    const token = `devchat_00000000-0000-4000-8000-000000000000_${'x'.repeat(43)}`;
    assert.equal(tokenProblem(token), undefined);
    for (const wrong of ['', 'devchat_', `${token} `, token.slice(1), token.slice(0, -1)])
      assert.equal(tokenProblem(wrong), 'no-token');
  });
});
