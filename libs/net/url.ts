const REMEMBERED = 256;
const remembered = new Map<string, Readonly<URL> | null>();

/** A URL, or null when it is none. Each is asked for several times within a moment, and parsing is not cheap. */
export function parseUrl(text: string): Readonly<URL> | null {
  const known = remembered.get(text);
  if (known !== undefined) return known;
  if (remembered.size >= REMEMBERED) remembered.clear();
  const url = URL.parse(text);
  remembered.set(text, url);
  return url;
}

/** Scheme, host and port of the endpoint; empty when its URL is none. */
export const originOf = (url: string): string => parseUrl(url)?.origin ?? '';
