/** Names and indexes from the root of a document to a value. */
export type JsonPath = readonly (string | number)[];

/** JSON with a valid syntax that is not accepted. The message names the path and repeats no value. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
  constructor(path: JsonPath, reason: string) {
    super(`${pathText(path)} ${reason}`);
  }
}

export interface JsonReaderOptions {
  /** Objects and lists inside each other, at most. */
  readonly maxDepth: number;
  /** Converts a number from its text. @throws {JsonError} */
  readonly number: (text: string, path: JsonPath) => unknown;
}

interface Container {
  readonly value: Record<string, unknown> | unknown[];
  /** The name of the next value of an object. */
  key: string | undefined;
}

const MAX_PATH_PARTS = 8;
/** A number, `true`, `false` or `null`. */
const WORD = /[^\s,\]}]+/y;
const WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

const pathText = (path: JsonPath): string => {
  const shown = path.slice(0, MAX_PATH_PARTS).join('.');
  return path.length > MAX_PATH_PARTS ? `${shown}...` : shown || 'the answer';
};

const pathOf = (containers: readonly Container[]): (string | number)[] =>
  containers.map(({ value, key }) => (Array.isArray(value) ? value.length : (key ?? '')));

/** The index of the quote that ends the string that begins at `start`. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let slash = end;
    while (text[slash - 1] === '\\') slash--;
    if ((end - slash) % 2 === 0) return end;
  }
}

function unquoted(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end);
  return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
}

/** Builds a value from tokens in the order of the text. */
class Builder {
  readonly #options: JsonReaderOptions;
  readonly #open: Container[] = [];
  value: unknown;

  constructor(options: JsonReaderOptions) {
    this.#options = options;
  }

  begin(value: Container['value']): void {
    const { maxDepth } = this.#options;
    if (this.#open.length === maxDepth) throw this.#error(`is nested deeper than ${maxDepth} levels`);
    this.#open.push({ value, key: undefined });
  }

  end(): void {
    this.#add(this.#open.pop()?.value);
  }

  /** A string: the name of a field where an object expects one, else a value. */
  text(text: string): void {
    const parent = this.#open.at(-1);
    if (!parent || parent.key !== undefined || Array.isArray(parent.value)) {
      this.#add(text);
      return;
    }
    parent.key = text;
    if (text === '__proto__') throw this.#error('is a name that is not allowed');
    if (Object.hasOwn(parent.value, text)) throw this.#error('occurs more than once');
  }

  word(word: string): void {
    const value = WORDS.get(word);
    this.#add(value === undefined ? this.#options.number(word, pathOf(this.#open)) : value);
  }

  #add(value: unknown): void {
    const parent = this.#open.at(-1);
    if (!parent) this.value = value;
    else if (Array.isArray(parent.value)) parent.value.push(value);
    else {
      parent.value[parent.key ?? ''] = value;
      parent.key = undefined;
    }
  }

  #error(reason: string): JsonError {
    return new JsonError(pathOf(this.#open), reason);
  }
}

/**
 * Reads JSON as `JSON.parse` does, but converts numbers from their text, and refuses what `JSON.parse` accepts without
 * notice: a key that occurs twice in an object, the key `__proto__`, and deep nesting.
 *
 * `JSON.parse` checks the syntax first, so that the tokens need no further checks. Its reviver is not enough: it sees an
 * object after duplicate keys are gone.
 * @throws {SyntaxError} of JSON.parse, or {JsonError}.
 */
export function readJson(text: string, options: JsonReaderOptions): unknown {
  JSON.parse(text);
  const builder = new Builder(options);
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '{':
        builder.begin({});
        break;
      case '[':
        builder.begin([]);
        break;
      case '}':
      case ']':
        builder.end();
        break;
      case '"': {
        const end = stringEnd(text, at);
        builder.text(unquoted(text, at, end));
        at = end;
        break;
      }
      case ' ':
      case '\t':
      case '\n':
      case '\r':
      case ',':
      case ':':
        break;
      default: {
        WORD.lastIndex = at;
        const [word = ''] = WORD.exec(text) ?? [];
        builder.word(word);
        at += word.length - 1;
      }
    }
  }
  return builder.value;
}

/** The digits of a JSON number without leading and trailing zeros, and its exponent: equal for equal numbers. */
function canonical(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}

/** Whether a double has the value of a JSON number, so that no digit is lost. */
export const isExact = (text: string): boolean => {
  const value = Number(text);
  const shortest = String(value);
  return shortest === text || (Number.isFinite(value) && canonical(shortest) === canonical(text));
};
