import { z } from 'zod';

/** Longest value a channel variable may carry, in characters. */
export const MAX_VALUE_LENGTH = 4096;

const pattern = (regex: RegExp, max: number, message: string) =>
  z.string().max(max, `must be at most ${max} characters`).regex(regex, message);

/** A number to dial. Digits, letters and the signs that occur in numbers; nothing a dial string gives a meaning to. */
export const DialNumber = z
  .union([z.string(), z.number().int().nonnegative('must not be negative').transform(String)], {
    error: 'must be text or a whole number',
  })
  .pipe(pattern(/^[0-9A-Za-z*#+_.-]+$/, 64, 'may hold only digits, letters and * # + _ . -'));

/** The name of a sofia gateway, sofia profile or directory user. */
export const SipName = pattern(
  /^[0-9A-Za-z_][0-9A-Za-z_.+-]*$/,
  64,
  'may hold only letters, digits and _ . + -',
);

/** A host, IPv4 or bracketed IPv6 address, with an optional port. */
export const HostPort = pattern(
  /^(?:[0-9A-Za-z](?:[0-9A-Za-z.-]*[0-9A-Za-z])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/,
  255,
  'must be HOST or HOST:PORT, an IPv6 address in brackets',
);

const CONTROL_OR_LINE = /\p{Cc}|\u2028|\u2029/u;

/** The value of a channel variable: one line, never expanded by FreeSWITCH, never an array in disguise. */
export const VariableText = z
  .string()
  .max(MAX_VALUE_LENGTH, `must be at most ${MAX_VALUE_LENGTH} characters`)
  .refine((text) => !CONTROL_OR_LINE.test(text), 'must not hold control characters or line ends')
  .refine((text) => !/\$\$?\{/.test(text), 'must not hold ${, which FreeSWITCH would expand')
  .refine((text) => !text.includes("\\'"), "must not hold \\', which FreeSWITCH drops without a word")
  .refine(
    (text) => !text.startsWith('ARRAY::'),
    'must not start with ARRAY::, which FreeSWITCH reads as a list',
  );

/** As an endpoint may write a value: text, a number or a boolean; text from here on. */
export const VariableValue = z
  .union([z.string(), z.number(), z.boolean()], { error: 'must be a string, a number or a boolean' })
  .transform(String)
  .pipe(VariableText);

const RUNS_SOMETHING =
  /^(?:api_|exec_|execute_|bridge_pre_execute|bridge_post_execute|bridge_filter|session_in_hangup_hook|hangup_after_bridge|park_after_bridge|transfer_|continue_on_fail|failure_causes|campon|export_vars|bridge_export_vars|dialhook_|cti_bridge|app_disable_expand_variables|nolocal$|bgapi_|send_silence_when_idle_cmd|sip_copy_custom_headers_cmd|originate_post_execute|group_confirm_|enable_file_write_buffering_cmd)/i;

/** The name of a channel variable an endpoint may set. Those that run a command or steer the call past Dialhook are refused. */
export const VariableName = pattern(
  /^[A-Za-z_][A-Za-z0-9_.-]*$/,
  128,
  'may hold only letters, digits and _ . -, and starts with a letter',
).refine((name) => !RUNS_SOMETHING.test(name), 'is a variable that an endpoint may not set');
