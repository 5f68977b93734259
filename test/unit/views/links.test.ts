import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isTold, readLink } from '../../../src/views/links.ts';

/** What a reader is asked about a link with this text; null when the text tells enough, undefined when it is not opened. */
function asked(url: string, text: string): string | null | undefined {
  const link = readLink(url);
  if (!link) return undefined;
  return isTold(link, text) ? null : `${link.host} ${link.url}`;
}

describe('links of messages', () => {
  it('are opened without a question when the reader saw the address', () => {
    assert.equal(asked('https://example.com/a?b#c', ' https://example.com/a?b#c '), null);
    assert.equal(asked('https://example.com/', 'https://example.com'), null);
    assert.equal(asked('http://example.com:8080/x', 'http://example.com:8080/x'), null);
    assert.equal(asked('mailto:ada@example.com', 'ada@example.com'), null);
  });

  it('are named with their whole host when it is another one than the text says', () => {
    assert.equal(asked('https://example.com/locks', 'the documentation'), 'example.com https://example.com/locks');
    assert.equal(asked('https://evil.example/', 'https://good.example/'), 'evil.example https://evil.example/');
    assert.equal(asked('https://example.com/b', 'https://example.com/a'), 'example.com https://example.com/b');
    assert.equal(asked('http://example.com/', 'https://example.com/'), 'example.com http://example.com/');
    assert.equal(asked('https://example.com:444/', 'https://example.com/'), 'example.com:444 https://example.com:444/');
  });

  it('show letters of other scripts as the network knows them', () => {
    assert.equal(
      asked('https://xn--80ak6aa92e.com/', 'https://аррӏе.com/'),
      'xn--80ak6aa92e.com https://xn--80ak6aa92e.com/',
    );
    assert.equal(asked('https://аррӏе.com/', 'https://аррӏе.com/'), 'xn--80ak6aa92e.com https://xn--80ak6aa92e.com/');
  });

  it('lose a user’s name, which looks like a host', () => {
    const url = 'https://github.com:secret@evil.example/login';
    assert.equal(asked(url, url), 'evil.example https://evil.example/login');
    assert.deepEqual(readLink(url), { url: 'https://evil.example/login', host: 'evil.example', hadUser: true });
  });

  it('are not opened when they lead elsewhere than to the web or to mail', () => {
    for (const url of [
      'command:devchat.restart',
      'file:///etc/passwd',
      'vscode:x',
      'javascript:alert(1)',
      '//x',
      'x',
      '',
    ]) {
      assert.equal(asked(url, url), undefined, url);
    }
  });

  const names = fc.constantFrom('', 'user@', 'user:secret@', 'good.example@', 'https:%2f%2fgood.example@');
  const hosts = fc.constantFrom(
    'good.example',
    'GOOD.example',
    'good.example:8080',
    'xn--80ak6aa92e.com',
    'аррӏе.com',
    '[::1]',
  );
  const ends = fc.constantFrom('', '/', '/a b', '/a?b=c#d', '/..', '\\\\evil.example');
  const schemes = fc.constantFrom(
    'https://',
    'http://',
    'HTTPS://',
    'https:/',
    'ftp://',
    'command:',
    'javascript://',
    '//',
  );
  const addresses = fc.tuple(schemes, names, hosts, ends).map((parts) => parts.join(''));

  it('lead to the web and tell no name, whatever they look like, and read twice lead to the same', () => {
    fc.assert(
      fc.property(fc.oneof(addresses, fc.string()), (address) => {
        const link = readLink(address);
        if (!link) return;
        assert.match(link.url, /^(?:https?:\/\/|mailto:)/);
        assert.ok(link.url.startsWith('mailto:') || new URL(link.url).host === link.host);
        const { username, password } = new URL(link.url);
        assert.deepEqual([username, password], ['', '']);
        assert.deepEqual(readLink(link.url), { ...link, hadUser: false });
      }),
    );
  });

  it('need no question only where the text itself is an address that leads there', () => {
    fc.assert(
      fc.property(addresses, addresses, fc.boolean(), (address, other, isSame) => {
        const text = isSame ? address : other;
        const link = readLink(address);
        if (!link || !isTold(link, text)) return;
        assert.deepEqual(readLink(text), link);
        assert.ok(text.toLowerCase().includes(`://${link.host}`));
      }),
    );
  });
});
