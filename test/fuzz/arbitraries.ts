import fc from 'fast-check';

/** Text that must never escape from the value it is in. The canary is a command that must never run. */
export const hostilePieces = (canary: string): string[] => [
  ...[
    `\${system(touch ${canary})}`,
    `$\${system(touch ${canary})}`,
    `$\\{system(touch ${canary})}`,
    '${uuid}',
  ],
  ...[`\${system touch ${canary}}`, '${', '$', '$$', '{', '}', '[', ']', '<', '>', '(', ')', '%[', '%'],
  ...[
    '\n',
    '\r',
    '\r\n',
    '\n\n',
    '\0',
    `\napplication: system touch ${canary}`,
    '\n\nexit\n\n',
    '\t',
    '\u0001',
  ],
  ...['\u0002', '\u0085', '\u2028', '\u2029', '\u200b', '\u202e', '\ufeff', '\ud800', '\udfff', '\ufffd'],
  ...['＄｛', '，', '｜', '：_：', '＇', '；', '＾＾', '［', '］', '＝', '／', '＠', '\u037e', 'ı', 'ſ', 'K'],
  ...[
    ',',
    '|',
    ':_:',
    ':',
    '_',
    '^^',
    '^^;',
    '^^:',
    ';',
    '=',
    "'",
    '"',
    '\\',
    "\\'",
    '\\n',
    '\\s',
    '\\\\',
    '`',
  ],
  ...[
    '%0a',
    '%0d%0a',
    '%00',
    '%24%7b',
    '%2c',
    '%7c',
    '&#10;',
    '\\u000a',
    '~',
    '#',
    '!',
    '?',
    '&',
    '*',
    '@',
    '/',
  ],
  ...['ARRAY::', 'ARRAY::a|:b', '|:', 'nolocal:', '_nolocal_', '_undef_', 'origination_nested_vars=true'],
  ...['loopback/app=system', 'user/1', 'sofia/gateway/gw/1', 'error/USER_BUSY', 'group/all', 'inline', 'XML'],
  ...['api_on_answer', 'execute_on_ring', 'export_vars', 'cti_bridge', 'dialhook_call', '__proto__'],
  ...["张三 O'Brien 100%", '😀', 'é', 'e\u0301', ' ', '  ', '-', '.', '+'],
];

export interface Arbitraries {
  readonly text: fc.Arbitrary<string>;
  /** Mostly valid values, so that most cases pass the first check. */
  mostly(good: fc.Arbitrary<string>): fc.Arbitrary<string>;
  readonly decision: fc.Arbitrary<unknown>;
  readonly dialString: fc.Arbitrary<string>;
  readonly contacts: fc.Arbitrary<string>;
  readonly ctiBridge: fc.Arbitrary<string>;
}

const plain = (characters: string, maxLength = 10): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...characters), minLength: 1, maxLength });

const joined = (parts: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<string> =>
  fc.array(parts, { maxLength }).map((list) => list.join(''));

const number = plain('0123456789*#+_.-aZ');
const name = plain('abcdefgh0123_').filter((text) => !/^[.+-]/.test(text));
const host = fc.oneof(
  fc.ipV4(),
  fc.constantFrom('pbx.example', 'h', '[::1]', '[2001:db8::1]:5060', '10.0.0.9:5070'),
);
const COMMON = ['origination_caller_id_number', 'absolute_codec_string', 'sip_h_X-Id', 'originate_timeout'];

export function arbitraries(canary: string): Arbitraries {
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...hostilePieces(canary)) },
    { weight: 3, arbitrary: plain('abc019.-_', 4) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 4 }) },
  );
  const text = fc.oneof(
    { weight: 40, arbitrary: joined(piece, 5) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(piece, fc.constantFrom(64, 65, 128, 510, 4096, 5000))
        .map(([one, n]) => one.repeat(n)),
    },
  );
  const mostly = (good: fc.Arbitrary<string>) =>
    fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: text });
  const harmless = fc.oneof(
    plain('abc ,=:/@.-_$%*#!?&~()019', 12),
    fc.constantFrom('PCMA,PCMU', '张三', "O'Brien"),
  );

  const variableName = mostly(
    fc.oneof(
      plain('abcxyzABC_').filter((one) => !/^_/.test(one)),
      fc.constantFrom(...COMMON),
    ),
  );
  const value = fc.oneof(
    { weight: 3, arbitrary: harmless },
    { weight: 2, arbitrary: text },
    { weight: 1, arbitrary: fc.oneof(fc.integer(), fc.double(), fc.boolean()) },
  );
  const quoted = fc.oneof(
    { weight: 3, arbitrary: harmless.filter((one) => !/[,']/.test(one)) },
    { weight: 2, arbitrary: harmless.map((one) => `'${one.replaceAll("'", '')}'`) },
    { weight: 2, arbitrary: text },
    { weight: 1, arbitrary: joined(fc.oneof(piece, fc.constant("'")), 6) },
  );
  const entries = fc
    .tuple(
      fc.array(fc.tuple(variableName, quoted), { minLength: 1, maxLength: 3 }),
      fc.constantFrom('', '^^;', '^^:', '^^|'),
    )
    .map(([pairs, mark]) => mark + pairs.map(([key, one]) => `${key}=${one}`).join(mark.charAt(2) || ','));
  const maybe = (arbitrary: fc.Arbitrary<string>, open: string, close: string) =>
    fc
      .option(arbitrary, { nil: undefined, freq: 2 })
      .map((inside) => (inside === undefined ? '' : open + inside + close));
  const endpoint = mostly(
    fc.oneof(
      fc.tuple(name, number).map(([gateway, to]) => `sofia/gateway/${gateway}/${to}`),
      fc.tuple(name, number, host).map(([profile, to, at]) => `sofia/${profile}/${to}@${at}`),
      fc
        .tuple(number, host, joined(fc.constantFrom(';', 'a', '=', 'fs_path', '%40', ':', '_', '~', '/'), 6))
        .map(([to, at, more]) => `sofia/external/sip:${to}@${at};${more}`),
      name.map((user) => `user/${user}`),
      number.map((to) => `loopback/${to}/default/XML`),
      fc.constant('error/USER_BUSY'),
    ),
  );
  const leg = fc.tuple(maybe(entries, '[', ']'), endpoint).map((parts) => parts.join(''));
  const dialString = fc.oneof(
    {
      weight: 9,
      arbitrary: fc
        .tuple(
          maybe(entries, '{', '}'),
          fc.array(fc.tuple(leg, fc.constantFrom(',', '|')), { minLength: 1, maxLength: 4 }),
        )
        .map(
          ([shared, legs]) =>
            shared + legs.map(([one, separator], at) => (at > 0 ? separator : '') + one).join(''),
        ),
    },
    { weight: 1, arbitrary: text },
  );

  const target = fc.oneof(
    fc.record({ type: fc.constant('gateway'), number: mostly(number), gateway: mostly(name) }),
    fc.record({ type: fc.constant('ip'), number: mostly(number), ip: mostly(host), sofia: mostly(name) }),
    fc.record(
      { type: fc.constant('user'), number: mostly(number), user: mostly(name), domain: mostly(host) },
      { requiredKeys: ['type', 'number', 'user'] },
    ),
    fc.record({ type: fc.constant('dialstring'), dialstring: dialString }),
  );
  const cause = fc.oneof(
    fc.constantFrom<unknown>(16, 17, 'USER_BUSY', 'no_answer', '34'),
    text,
    fc.integer(),
  );
  const collect = fc.record(
    {
      play: fc.oneof(fc.constant('beep'), text),
      min: fc.integer({ min: 0, max: 40 }),
      max: fc.oneof(fc.integer({ min: 0, max: 40 }), text),
      timeout: fc.integer({ min: 0, max: 61 }),
      terminators: fc.oneof(fc.constantFrom('', '#', '*#'), text),
      answer: fc.boolean(),
    },
    { requiredKeys: [] },
  );
  const decision = fc.oneof(
    { weight: 2, arbitrary: fc.record({ collect, data: fc.jsonValue() }, { requiredKeys: ['collect'] }) },
    {
      weight: 12,
      arbitrary: fc.record(
        {
          variables: fc.dictionary(variableName, value, { maxKeys: 4 }),
          dial: fc.oneof(
            { weight: 4, arbitrary: target },
            { weight: 4, arbitrary: fc.array(target, { minLength: 1, maxLength: 4 }) },
            {
              weight: 1,
              arbitrary: fc.record(
                {
                  type: fc.constant('hangup'),
                  cause,
                  sipcode: fc.oneof(fc.integer({ min: 300, max: 800 }), text),
                },
                { requiredKeys: ['type'] },
              ),
            },
          ),
          strategy: fc.constantFrom('sequential', 'simultaneous'),
          on_fail: fc.constantFrom('hangup', 'request'),
          final_causes: fc.array(cause, { maxLength: 3 }),
          retry_causes: fc.array(cause, { maxLength: 3 }),
          codecs: fc.array(fc.oneof(fc.constantFrom('PCMA', 'opus@48000h'), text), { maxLength: 3 }),
          early_media: fc.oneof(fc.constantFrom('pass', 'ignore', 'ring'), text),
          ringback: fc.oneof(fc.constantFrom('melody', 'lost'), text),
          max_duration: fc.oneof(fc.integer({ min: -1, max: 90_000 }), text),
          warn: fc.record({
            before: fc.integer({ min: 0, max: 100 }),
            play: fc.oneof(fc.constant('beep'), text),
          }),
          record: fc.record(
            {
              channels: fc.oneof(fc.integer({ min: 0, max: 3 }), text),
              announce: fc.oneof(fc.constant('beep'), text),
              start: fc.oneof(fc.constantFrom('answer', 'early_media'), text),
            },
            { requiredKeys: [] },
          ),
          limit: fc.array(
            fc.record(
              {
                id: fc.oneof(fc.constantFrom('tenant-7', 'campaign:3'), text),
                max: fc.oneof(fc.integer({ min: -1, max: 20 }), text),
                rate: fc.oneof(fc.integer({ min: 0, max: 20 }), text),
              },
              { requiredKeys: ['id'] },
            ),
            { maxLength: 3 },
          ),
          confirm: fc.record({
            play: fc.oneof(fc.constant('beep'), text),
            key: fc.oneof(fc.constantFrom('1', '#'), text),
            timeout: fc.integer({ min: 0, max: 61 }),
          }),
          whisper: fc.record({ play: fc.oneof(fc.constant('beep'), text) }),
          notify_url: mostly(text.map((path) => `http://crm.example/${path}`)),
          data: fc.jsonValue(),
        },
        { requiredKeys: ['dial'] },
      ),
    },
    { weight: 1, arbitrary: fc.jsonValue() },
  );

  const contact = fc.oneof(
    fc
      .tuple(number, host, joined(piece, 3))
      .map(([to, at, more]) => `sofia/internal/sip:${to}@${at};${more}`),
    fc.tuple(text, host).map(([user, at]) => `sofia/internal/sip:${user}@${at}`),
    text,
    fc.constant('error/user_not_registered'),
  );
  const contacts = fc.array(contact, { maxLength: 4 }).map((list) => list.join(','));
  const url = fc
    .tuple(fc.constantFrom('http://', 'https://', 'HTTP://', 'ftp://'), mostly(host), text)
    .map(([scheme, at, rest]) => `${scheme}${at}/${rest}`);
  const ctiBridge = fc
    .tuple(
      mostly(url),
      fc.array(fc.oneof(fc.constantFrom('1', '0', '3000', '60000'), text), { maxLength: 3 }),
    )
    .map(([first, more]) => [first, ...more].join(' '));
  return { text, mostly, decision, dialString, contacts, ctiBridge };
}
