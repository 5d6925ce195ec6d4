/** The text functions of switch_utils.c that dialplan data passes through. */

const TRUE_WORDS = new Set(['yes', 'on', 'true', 't', 'enabled', 'active', 'allow']);
const NUMBER = /^[-+]?[\d.]+$/;

export const integer = (text: string | undefined): number => Number.parseInt(text ?? '', 10) || 0;

export function isTrue(text: string | undefined): boolean {
  if (text === undefined) return false;
  return TRUE_WORDS.has(text.toLowerCase()) || (NUMBER.test(text) && integer(text) !== 0);
}

const UNSAFE = /%(?![0-9A-F]{2})|[ #&+:;<=>?@[\\\]^`{|}"]|[^ -~]/gu;

/** Does not encode a percent sign that begins an escape already, as switch_url_encode. */
export function urlEncode(text: string): string {
  return text.toWellFormed().replace(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x80
      ? `%${code.toString(16).toUpperCase().padStart(2, '0')}`
      : encodeURIComponent(character);
  });
}

/** The number in an address such as gateway/gw/123, external/123@host or internal/sip:123@host. */
export function sanitizeNumber(address: string): string {
  const user = address.split('@', 1)[0] ?? '';
  return user.slice(Math.max(user.lastIndexOf('/'), user.lastIndexOf(':')) + 1);
}

/** switch_url_decode: one or two hex digits, or a blank and one of them, follow the percent sign. */
function urlDecode(text: string): string {
  if (!text.includes('%')) return text;
  const bytes = Buffer.from(text);
  const decoded: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const [, digits] = /^\s*([\da-f]{1,2})/i.exec(bytes.toString('latin1', at + 1)) ?? [];
    if (bytes[at] !== 0x25 || digits === undefined || bytes.length - at <= 2) {
      decoded.push(bytes[at] ?? 0);
      continue;
    }
    decoded.push(Number.parseInt(digits, 16));
    at += 2;
  }
  return Buffer.from(decoded).toString('utf8');
}

/** A name in a header of SIP: decoded, and of quotes only the inside (check_decode in mod_sofia.h). */
export function checkDecode(name: string): string {
  const decoded = urlDecode(name);
  const quoted = decoded.slice(decoded.indexOf('"') + 1);
  const end = quoted.lastIndexOf('"');
  return end === -1 ? quoted : quoted.slice(0, end);
}

/** The index of the bracket that closes the one at `from`, or -1. */
export function closingBracket(text: string, open: string, close: string, from = 0): number {
  if (text[from] !== open) return -1;
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    if (text[i] === open) depth++;
    else if (text[i] === close && --depth === 0) return i;
  }
  return -1;
}

/** Splits at unquoted, unescaped delimiters and then removes quotes and escapes. `^^:` in front sets the delimiter. */
export function separate(text: string, delimiter: string, limit = Number.POSITIVE_INFINITY): string[] {
  let separator = delimiter;
  let rest = text;
  if (text.startsWith('^^') && text.length > 3) {
    separator = text[2] ?? delimiter;
    rest = text.slice(3);
  }
  if (rest === '') return [];
  const parts: string[] = [];
  let quoted = false;
  let start = 0;
  for (let i = 0; i < rest.length && parts.length < limit - 1; i++) {
    const character = rest[i];
    if (character === '\\') i++;
    else if (character === "'" && (quoted || rest.includes("'", i + 1))) quoted = !quoted;
    else if (character === separator && !quoted) {
      parts.push(rest.slice(start, i));
      start = i + 1;
    }
  }
  if (start < rest.length) parts.push(rest.slice(start));
  return parts.map((part) => unquote(part, separator));
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['s', ' '],
]);

function unquote(text: string, delimiter: string): string {
  let result = '';
  let kept = 0;
  let quoted = false;
  const source = text.replace(/^ +/, '');
  for (let i = 0; i < source.length; i++) {
    const character = source[i] ?? '';
    const next = source[i + 1] ?? '';
    const escaped = next !== '' && (`'"\\${delimiter}`.includes(next) ? next : ESCAPES.get(next));
    if (character === '\\' && escaped) {
      result += escaped;
      kept = result.length;
      i++;
    } else if (character === "'" && (quoted || source.includes("'", i + 1))) {
      quoted = !quoted;
      if (quoted) kept = result.length;
    } else {
      result += character;
      if (character !== ' ' || quoted) kept = result.length;
    }
  }
  return result.slice(0, kept);
}
