/** Where a link leads. */
export interface Link {
  /** Without a user's name and password. */
  url: string;
  /** The whole host as the network knows it, with its port; of mail the address. */
  host: string;
  /** The link had a user's name, which some mistake for the host. */
  hadUser: boolean;
}

/** Reads the address of a link; null for one that is not opened, such as a command or a file. */
export function readLink(address: string): Link | null {
  const url = URL.parse(address);
  if (url?.protocol === 'mailto:') return { url: url.href, host: url.pathname, hadUser: false };
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return null;
  const hadUser = url.username !== '' || url.password !== '';
  [url.username, url.password] = ['', ''];
  return { url: url.href, host: url.host, hadUser };
}

/** Whether a reader who saw this text knows where the link leads. */
export function isTold({ url, host, hadUser }: Link, text: string): boolean {
  const seen = text.trim();
  if (hadUser) return false;
  if (url.startsWith('mailto:')) return seen === host || seen === url;
  // A host in other letters than the network's own may look like another one.
  return URL.parse(seen)?.href === url && seen.toLowerCase().startsWith(new URL(url).origin);
}
