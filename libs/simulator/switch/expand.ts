import { closingBracket, integer } from './switch-strings.ts';

/** The sources of an expansion's values. */
export interface Expansion {
  variable(name: string, index: number | undefined): string | undefined;
  /** Runs an API command and returns its output. */
  api(name: string, args: string): string;
}

const HAS_VARIABLE = /\$\\*\{|\\[\\nst']/;

/** Expands `${name}`, `${name:offset:length}`, `${name[index]}` and `${api(args)}`, also nested and inside values. */
export function expand(text: string, expansion: Expansion, depth = 0): string {
  if (depth > 100 || !HAS_VARIABLE.test(text)) return text;
  let result = '';
  for (let i = 0; i < text.length; i++) {
    const character = text[i] ?? '';
    const next = text[i + 1];
    if (character === '\\' && next === '$') {
      result += '$';
      i += text[i + 2] === '$' ? 2 : 1;
    } else if (character === '\\' && (next === "'" || next === '\\')) {
      if (next === '\\') result += '\\';
      i++;
    } else if (character === '$') {
      const open = next === '$' ? i + 2 : i + 1;
      if (text[open] !== '{') {
        result += '$';
        i = open - 1;
        continue;
      }
      const found = closingBracket(text, '{', '}', open);
      const close = found < 0 ? text.length : found;
      result += value(text.slice(open + 1, close), expansion, depth);
      i = close;
    } else {
      result += character;
    }
  }
  return result;
}

function value(inside: string, expansion: Expansion, depth: number): string {
  const start = inside.search(/[ (]/);
  if (start < 0) return variable(expand(inside, expansion, depth + 1), expansion, depth);
  const name = inside.slice(0, start);
  const rest = inside.slice(start + 1);
  const args = inside[start] === '(' ? insideParenthesis(rest) : rest;
  return expansion.api(expand(name, expansion, depth + 1), expand(args, expansion, depth + 1));
}

function insideParenthesis(text: string): string {
  const close = closingBracket(`(${text}`, '(', ')');
  return close < 0 ? text : text.slice(0, close - 1);
}

function variable(reference: string, expansion: Expansion, depth: number): string {
  const [nameAndIndex = '', offset, length] = reference.split(':');
  const indexed = /^(.*?)\[(.*)\]/.exec(nameAndIndex);
  const name = indexed?.[1] ?? nameAndIndex;
  const found = expansion.variable(name, indexed ? integer(indexed[2]) : undefined);
  if (found === undefined) return '';
  return slice(expand(found, expansion, depth + 1), integer(offset), integer(length));
}

/** Offset and length are in bytes. */
function slice(text: string, offset: number, length: number): string {
  if (offset === 0 && length === 0) return text;
  const bytes = Buffer.from(text);
  const start = offset >= 0 ? offset : -offset <= bytes.length ? bytes.length + offset : 0;
  const tail = bytes.subarray(start);
  return (length > 0 && length < tail.length ? tail.subarray(0, length) : tail).toString();
}
