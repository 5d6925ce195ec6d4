import { z } from 'zod';

const ENCODE =
  'has a character that ends a URL too early: percent-encode @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, comma as %2C and % as %25 in user and password';

/** User and password without `/ ? # ,`; `%` only before two hexadecimal digits. Greedy: the last @ ends it. */
const USERINFO = String.raw`(?:(?:[^/?#,%\s]|%[0-9a-f]{2})*@)?`;
const HOST_PORT = String.raw`(?:\[[0-9a-f:.]+\]|[^:/?#@,%\s[\]]+)(?::\d{1,5})?`;

export interface ServerUrlRules {
  /** For example `nats:`. */
  readonly schemes: readonly string[];
  /** A regular expression for the text after the port. */
  readonly path: string;
  /** Settings that take user and password as they are. */
  readonly instead: string;
}

/** Percent-encoding need not be valid UTF-8. */
const isDecodable = ({ username, password }: URL): boolean => {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
};

/**
 * URLs of servers, separated by commas, with a user and a password or without. The grammar is stricter than URL's:
 * otherwise a password that is not percent-encoded would become part of the host or the path. Never shows the value.
 */
export const serverUrls = ({ schemes, path, instead }: ServerUrlRules) => {
  const scheme = `(?:${schemes.join('|')})//`;
  const grammar = new RegExp(`^${scheme}${USERINFO}${HOST_PORT}${path}$`, 'i');
  const isSocket = (one: string) => schemes.includes('unix:') && /^unix:\/\/\/[^@?#\s]+$/.test(one);
  const isValid = (one: string) =>
    (grammar.test(one) || isSocket(one)) && URL.canParse(one) && isDecodable(new URL(one));
  return z.string().superRefine((text, context) => {
    if (text.split(',').every((one) => isValid(one.trim()))) return;
    const starts = schemes.map((one) => `${one}//`).join(' or ');
    const message = !new RegExp(`^${scheme}`, 'i').test(text)
      ? `must be a URL that starts with ${starts}`
      : text.includes('@')
        ? `${ENCODE}, or set ${instead} instead`
        : 'must be SCHEME://HOST:PORT, or several of these separated by commas';
    // Stop here: later checks would parse the invalid URL.
    context.addIssue({ code: 'custom', message, continue: false });
  });
};

/** The URLs of a setting that `serverUrls` has checked. */
export const splitUrls = (text: string): URL[] => text.split(',').map((one) => new URL(one.trim()));
