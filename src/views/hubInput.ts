/** What is wrong with the address of a hub; undefined when nothing is. */
export function urlProblem(text: string): 'no-url' | 'no-encryption' | undefined {
  const url = URL.parse(text);
  if (!url || !['http:', 'https:'].includes(url.protocol)) return 'no-url';
  const isLocal = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/u.test(url.hostname);
  return url.protocol === 'https:' || isLocal ? undefined : 'no-encryption';
}

/** What is wrong with a token by its form; undefined when nothing is. */
export function tokenProblem(text: string): 'no-token' | undefined {
  return /^devchat_[0-9a-f-]{36}_[\w-]{43}$/u.test(text) ? undefined : 'no-token';
}
