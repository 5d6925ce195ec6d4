import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isExact, JsonError, type JsonPath, readJson } from '#libs/json/read-json.ts';

const number = (text: string) => Number(text);
const read = (text: string, maxDepth = 32) => readJson(text, { maxDepth, number });
const problemOf = (text: string): string => {
  try {
    read(text);
  } catch (error) {
    if (error instanceof JsonError) return error.message;
    throw error;
  }
  return 'accepted';
};

/** Values that JSON can hold, without keys that the reader refuses. */
const json = fc
  .jsonValue({ noUnicodeString: false })
  .filter((value) => !JSON.stringify(value).includes('"__proto__":'));

describe('readJson', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 1, '\t'), (value, space) => {
        const text = JSON.stringify(value, undefined, space);
        expect(read(text, 100)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('refuses what JSON.parse refuses', () => {
    fc.assert(
      fc.property(json, fc.nat(), fc.string({ maxLength: 2 }), (value, at, insert) => {
        const text = JSON.stringify(value);
        const changed =
          text.slice(0, at % (text.length + 1)) + insert + text.slice((at % (text.length + 1)) + 1);
        let parsed: unknown;
        try {
          parsed = JSON.parse(changed);
        } catch {
          expect(() => read(changed, 100)).toThrow(SyntaxError);
          return;
        }
        if (problemOf(changed) === 'accepted') expect(read(changed, 100)).toEqual(parsed);
      }),
    );
  });

  it.each([
    ['{"a":1,"a":2}', 'a occurs more than once'],
    ['{"a":1,"\\u0061":2}', 'a occurs more than once'],
    ['{"a":null,"b":{"c":[0,{"d":1,"d":1}]}}', 'b.c.1.d occurs more than once'],
    ['{"a":{"__proto__":1}}', 'a.__proto__ is a name that is not allowed'],
    ['{"__pro\\u0074o__":{}}', '__proto__ is a name that is not allowed'],
    ['{"toString":1,"constructor":{"prototype":1}}', 'accepted'],
    ['{"a":{"x":1},"b":{"x":1}}', 'accepted'],
    [`${'['.repeat(32)}1${']'.repeat(32)}`, 'accepted'],
    [`{"a":${'['.repeat(32)}1${']'.repeat(32)}}`, 'a.0.0.0.0.0.0.0... is nested deeper than 32 levels'],
  ])('%s: %s', (text, problem) => {
    expect(problemOf(text)).toBe(problem);
  });

  it('does not overflow the stack', () => {
    const depth = 200_000;
    expect(problemOf('['.repeat(depth) + ']'.repeat(depth))).toContain('nested deeper');
    expect(problemOf(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`)).toContain('nested deeper');
  });

  it('reads a long string and many values in little time', () => {
    const started = performance.now();
    read(JSON.stringify(`${'\\"'.repeat(100_000)}`));
    read(JSON.stringify(Array.from({ length: 100_000 }, (_, index) => ({ [`k${index}`]: '\\' }))));
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('passes the text and the path of each number', () => {
    const numbers: [string, JsonPath][] = [];
    readJson('{"a":[1e-999,-0.0],"b":{"c":8613800138000123456}}', {
      maxDepth: 32,
      number: (text, path) => numbers.push([text, path]),
    });
    expect(numbers).toEqual([
      ['1e-999', ['a', 0]],
      ['-0.0', ['a', 1]],
      ['8613800138000123456', ['b', 'c']],
    ]);
  });
});

describe('isExact', () => {
  it.each([
    '0',
    '-0',
    '0.0',
    '0e9',
    '1',
    '-1',
    '1.0',
    '30.00',
    '1e3',
    '1E+3',
    '100e-2',
    '0.1',
    '9007199254740992',
    '1e21',
    '1.5e300',
  ])('%s keeps its value', (text) => expect(isExact(text)).toBe(true));
  it.each([
    '8613800138000123456',
    '9007199254740993',
    '1e-999',
    '1e999',
    '-1e999',
    '0.10000000000000001',
    '1.0000000000000000001',
  ])('%s would lose digits', (text) => expect(isExact(text)).toBe(false));
  it('accepts what JSON.stringify writes of any number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (n) => isExact(JSON.stringify(n))),
    );
  });
});
