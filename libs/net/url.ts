import { LruMap } from '#libs/lru/lru-map.ts';

/** Each request parses the URL of its endpoint several times, and parsing takes microseconds. */
const cache = new LruMap<string, Readonly<URL> | null>(256);

/** Parses a URL; null when it is invalid. Results are cached and must not be changed. */
function parseUrl(text: string): Readonly<URL> | null {
  const cached = cache.get(text);
  if (cached !== undefined) return cached;
  const url = URL.parse(text);
  cache.set(text, url);
  return url;
}

/** Undoes percent-encoding. A text that is not valid is returned as it is. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Scheme, host and port of a URL; empty when it is invalid. */
export const originOf = (url: string): string => parseUrl(url)?.origin ?? '';

/** The port of an http or https URL. */
export const portOf = ({ port, protocol }: URL): number => Number(port) || (protocol === 'https:' ? 443 : 80);

const isHttp = (url: URL): boolean => url.protocol === 'http:' || url.protocol === 'https:';

/** Parses an http or https URL; null when it is anything else. */
export function parseHttpUrl(text: string): Readonly<URL> | null {
  const url = parseUrl(text);
  return url && isHttp(url) ? url : null;
}

/** An http or https URL without userinfo, query and fragment, which may hold secrets; empty for anything else. */
export function publicUrl(text: string): string {
  const url = parseHttpUrl(text);
  return url ? `${url.origin}${url.pathname}` : '';
}
