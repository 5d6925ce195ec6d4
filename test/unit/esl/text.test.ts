import { describe, expect, it } from 'vitest';
import { decodeHeader, decodeText, oneLine, parseJson, UnsafeValueError } from '#libs/esl/text.ts';

/** 张三 in GBK. */
const GBK = Buffer.from('d5c5c8fd', 'hex');
/** 乗 in GBK: its second byte equals a backslash. */
const GBK_BACKSLASH = Buffer.from('815c', 'hex');

describe('decodeText', () => {
  it.each([
    ['ASCII', Buffer.from('plain'), 'plain'],
    ['UTF-8', Buffer.from('张三 100%'), '张三 100%'],
    ['GBK', GBK, '张三'],
    ['nothing', Buffer.alloc(0), ''],
    ['a byte order mark', Buffer.from('\uFEFFa'), '\uFEFFa'],
  ])('%s', (_, bytes, text) => expect(decodeText(bytes)).toBe(text));
});

describe('decodeHeader', () => {
  it.each([
    ['plain', 'plain'],
    ['a%20b', 'a b'],
    ["%E5%BC%A0%E4%B8%89%20O'Brien%20100%25", "张三 O'Brien 100%"],
    ['_undef_', ''],
    ['%e5%bc%a0', '%e5%bc%a0'],
    ['%D5%C5%C8%FD', '张三'],
    ['50% off', '50% off'],
    ['100%', '100%'],
    ['%', '%'],
    ['%zz%41', '%zz%41'],
    ['%2F', '%2F'],
    ['%00', '%00'],
    ['100%2500', '100%2500'],
    ['%4', '%4'],
    ['%2541', '%2541'],
    ['%25', '%'],
    ['%252', '%2'],
    ['%0A', '\n'],
    ['%FF', '\uFFFD'],
  ])('%s', (value, text) => expect(decodeHeader(value)).toBe(text));
});

describe('parseJson', () => {
  /** A string as cJSON prints it: bytes unchanged, quotes and backslashes escaped. */
  const cjson = (bytes: Buffer) =>
    Buffer.from([...bytes].flatMap((byte) => (byte === 0x22 || byte === 0x5c ? [0x5c, byte] : [byte])));
  const object = (members: Record<string, Buffer>) =>
    Buffer.concat([
      Buffer.from('{'),
      ...Object.entries(members).flatMap(([name, value], index) => [
        Buffer.from(`${index > 0 ? ',' : ''}"${name}":"`),
        cjson(value),
        Buffer.from('"'),
      ]),
      Buffer.from('}'),
    ]);

  it.each([
    ['UTF-8', { a: Buffer.from('张三 O\'Brien \\ " 100%') }, { a: '张三 O\'Brien \\ " 100%' }],
    ['GBK', { a: GBK }, { a: '张三' }],
    ['a backslash inside a letter', { a: GBK_BACKSLASH, b: Buffer.from('c') }, { a: '乗', b: 'c' }],
    ['one encoding beside another', { a: GBK, b: Buffer.from('张三') }, { a: '张三', b: '张三' }],
  ])('%s', (_, members, value) => expect(parseJson(object(members))).toEqual(value));

  it.each(['', '{', '{"a":1', 'nonsense'])('throws for "%s"', (text) =>
    expect(() => parseJson(Buffer.from(text))).toThrow(SyntaxError),
  );
});

describe('oneLine', () => {
  it.each(['', 'a', 'a\tb', '\u2028', "张三 O'Brien 100%"])('accepts %j', (value) =>
    expect(oneLine(value, 'x')).toBe(value),
  );
  it.each(['\n', 'a\nb', 'a\r', '\0', 'a\r\nb'])('refuses %j without repeating it', (value) => {
    expect(() => oneLine(value, 'the name')).toThrow(
      new UnsafeValueError('the name contains a line end or NUL'),
    );
  });
});
