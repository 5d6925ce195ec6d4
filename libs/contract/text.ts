import { z } from 'zod';

/** Maximum length of the value of a channel variable, in characters. */
const MAX_VALUE_LENGTH = 4096;

/** `message` is the rule, or finds the rule that a text breaks. */
const pattern = (regex: RegExp, max: number, message: string | ((text: string) => string)) => {
  const error =
    typeof message === 'string'
      ? message
      : ({ input }: { input?: string | undefined }) => message(input ?? '');
  return z.string().max(max, `must be at most ${max} characters`).regex(regex, { error });
};

const CALL_ID = /^[0-9A-Za-z][0-9A-Za-z_.@+~-]*$/;
const MAX_CALL_ID_LENGTH = 128;

/** Whether a text is a CallId. Without zod, because every event has several ids. */
export const isCallId = (text: string): boolean => text.length <= MAX_CALL_ID_LENGTH && CALL_ID.test(text);

/**
 * The id of a call or of a leg, see call-id.ts: text that is safe in a header, a NATS subject, a key of Redis, a command
 * of the event socket, a variable and a URL.
 */
export const CallId = pattern(
  CALL_ID,
  MAX_CALL_ID_LENGTH,
  'may contain only letters, digits and _ . @ + ~ -, and must start with a letter or a digit',
);

/**
 * A parameter of a telephone number (RFC 3966, RFC 4694, RFC 4904). Parameters of a SIP URI, such as maddr, would send
 * the INVITE to another host.
 */
const PARAMETER =
  '(?:npdi|rn|cic|rn-context|cic-context|phone-context|tgrp|trunk-context|isub|ext|postd|enumdi)(?:=[0-9A-Za-z*#+_.-]+)?';

const NUMBER = 'must be text, or a whole number of at most 15 digits';

/**
 * A number to dial: digits, letters and * # + _ . -, none of which has a meaning in a dial string, followed by
 * parameters as in RFC 4694 (number portability), for example `+13125550100;npdi;rn=+13125550199`.
 */
export const DialNumber = z
  .union([z.string(), z.int(NUMBER).nonnegative('must not be negative').transform(String)], { error: NUMBER })
  .pipe(
    pattern(
      new RegExp(String.raw`^[0-9A-Za-z*#+_.-]+(?:;${PARAMETER})*$`, 'i'),
      128,
      'may contain only digits, letters and * # + _ . -, and parameters such as ;npdi;rn=+13125550199',
    ),
  );

/** Parameters of a number: `npdi;rn=+13125550199`. */
export const TelParameters = pattern(
  new RegExp(String.raw`^${PARAMETER}(?:;${PARAMETER})*$`, 'i'),
  128,
  'must be parameters such as npdi;rn=+13125550199',
);

/** The name of a gateway, which may be preceded by its sofia profile as `sofia status` prints it: `internal::gw`. */
export const GatewayName = pattern(
  /^[0-9A-Za-z_][0-9A-Za-z_.+-]*(?:::[0-9A-Za-z_][0-9A-Za-z_.+-]*)?$/,
  129,
  (text) => {
    if (/^[.+-][\w.+:-]*$/.test(text)) return 'must start with a letter, a digit or _';
    if (/^[\w.+-]+::[.+-][\w.+-]*$/.test(text)) return 'must start with a letter, a digit or _ after ::';
    return 'must be a gateway name of letters, digits and _ . + -, or PROFILE::GATEWAY';
  },
);

/** Text for the display of a phone: one line of at most 256 characters. */
export const DisplayName = z
  .string()
  .max(256, 'must be at most 256 characters')
  .refine((text) => text.isWellFormed(), 'must not contain a lone surrogate (half a character)')
  .refine((text) => !/\p{Cc}|\u2028|\u2029/u.test(text), 'must not contain control characters or line ends')
  .refine((text) => !text.includes('${'), 'must not contain ${');

/** The name of a sofia gateway, sofia profile or directory user. */
export const SipName = pattern(/^[0-9A-Za-z_][0-9A-Za-z_.+-]*$/, 64, (text) =>
  /^[.+-][0-9A-Za-z_.+-]*$/.test(text)
    ? 'must start with a letter, a digit or _'
    : 'may contain only letters, digits and _ . + -',
);

/** The name of a limit on calls, which an endpoint or the operator chooses. */
export const LimitId = pattern(
  /^[0-9A-Za-z+_][0-9A-Za-z_.@:+-]*$/,
  64,
  'must be a name of letters, digits and _ . @ : + -',
);

/** The name of a sound or a ringback, which the operator gives to a file. */
export const SoundName = pattern(
  /^[0-9A-Za-z][0-9A-Za-z_-]*$/,
  64,
  'must be a name of letters, digits, _ and -, to which the operator gives a file',
);

/** A port, 1 to 65535. */
export const PORT = String.raw`(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3})`;

const HOST_CHARACTERS = /^[0-9A-Za-z.:[\]-]+$/;

function hostPortRule(text: string): string {
  if (!text.includes('[') && text.split(':').length > 2) return 'must have an IPv6 address in brackets';
  if (/:\d+$/.test(text) && !new RegExp(`:${PORT}$`).test(text)) return 'must have a port from 1 to 65535';
  if (text !== '' && !HOST_CHARACTERS.test(text))
    return 'may contain only letters, digits and . -, and a port, or an IPv6 address in brackets';
  return /^[.-]|[.-](?::\d+)?$/.test(text)
    ? 'must start and end with a letter or a digit'
    : 'must be HOST or HOST:PORT, an IPv6 address in brackets';
}

/** A host, IPv4 or bracketed IPv6 address, with an optional port. */
export const HostPort = pattern(
  new RegExp(String.raw`^(?:[0-9A-Za-z](?:[0-9A-Za-z.-]*[0-9A-Za-z])?|\[[0-9A-Fa-f:.]+\])(?::${PORT})?$`),
  255,
  hostPortRule,
);

/** `${`, possibly with dollars and backslashes in between. The lookbehind anchors a match at the first of them, which keeps the time linear. */
const EXPANDED = /(?<![$\\])\\*\$[$\\]*\{/;
const CONTROL_OR_LINE = /\p{Cc}|\u2028|\u2029/u;

/** The value of a channel variable: one line, which FreeSWITCH neither expands nor reads as a list. */
export const VariableText = z
  .string()
  .max(MAX_VALUE_LENGTH, `must be at most ${MAX_VALUE_LENGTH} characters`)
  .refine((text) => text.isWellFormed(), 'must not contain a lone surrogate (half a character)')
  .refine((text) => !CONTROL_OR_LINE.test(text), 'must not contain control characters or line ends')
  .refine((text) => !EXPANDED.test(text), 'must not contain ${, which FreeSWITCH would expand')
  .refine((text) => !text.includes("\\'"), "must not contain \\', which FreeSWITCH drops silently")
  .refine(
    (text) => !text.startsWith('ARRAY::'),
    'must not start with ARRAY::, which FreeSWITCH reads as a list',
  );

/** A value as an endpoint writes it: text, a number or a boolean. Parsed to text. */
export const VariableValue = z
  .union([z.string(), z.number(), z.boolean()], { error: 'must be a string, a number or a boolean' })
  .transform(String)
  .pipe(VariableText);

const UNSAFE_IN_BRACKETS = /[;'"\\[\]{}<>|^]|:_:|origination_nested_vars=true|^ | $/i;

/**
 * A value that can be written in the {^^;...} or [^^;...] of a dial string. FreeSWITCH parses such text in several
 * passes and looks for `:_:` and `origination_nested_vars=true` before it looks for brackets. Text that has a meaning
 * in any pass is refused.
 */
export const BracketText = VariableText.refine(
  (text) => !UNSAFE_IN_BRACKETS.test(text),
  'cannot be written in a dial string',
);

/** The name of a channel variable. refused-variables.ts has those that an endpoint must not set. */
export const VariableName = pattern(
  /^[A-Za-z_][A-Za-z0-9_.-]*$/,
  128,
  'may contain only letters, digits and _ . -, and must start with a letter or _',
).refine(
  // In a dial string FreeSWITCH finds `origination_nested_vars=true` anywhere, even at the end of another name.
  (name) => !/.origination_nested_vars$/i.test(name),
  'must not end with origination_nested_vars',
);
