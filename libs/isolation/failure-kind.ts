/**
 * The kinds of failed attempts, by the effect of a retry:
 *
 * - `permanent`: the entry itself is at fault, and every retry fails.
 * - `server`: a server refuses or does not answer for a reason that has nothing to do with the entry. Retry without limit.
 * - `unknown`: either. An entry that keeps failing while others are accepted is at fault.
 */
export type FailureKind = 'permanent' | 'server' | 'unknown';

/** Errors of parsers, and of the NATS client before it sends anything. */
const PERMANENT = new Set([
  ...['RangeError', 'SyntaxError', 'URIError', 'ZodError'],
  ...['MessageError', 'UnsafeValueError', 'UnsendableError', 'InvalidEntryError'],
  ...['InvalidArgumentError', 'InvalidSubjectError'],
]);
const SERVER = new Set(['JetStreamApiError', 'ReplyError', 'PermissionViolationError', 'NoRespondersError']);

/** JetStream: the message or its header is larger than the server or the stream allows. */
const TOO_LARGE_CODES = new Set([10054, 10097]);

/** Redis: a key has the wrong type, or a script met a value that it cannot use. */
const UNUSABLE_KEY = /^WRONGTYPE|^ERR .*(?:user_script|not an integer|not a valid float)/;

/** Redis 6 puts the code of an error behind the place in the script: `ERR ...: @user_script: 12: -OOM command ...`. */
const CODE_IN_SCRIPT = /@user_script: ?\d+: -(?!ERR|WRONGTYPE)[A-Z]+ /;

export function failureKind(error: unknown): FailureKind {
  if (!(error instanceof Error)) return 'unknown';
  const { name, message } = error;
  const { code } = error as { code?: unknown };
  if (PERMANENT.has(name)) return 'permanent';
  if (name === 'JetStreamApiError' && TOO_LARGE_CODES.has(Number(code))) return 'permanent';
  if (name === 'ReplyError' && UNUSABLE_KEY.test(message) && !CODE_IN_SCRIPT.test(message))
    return 'permanent';
  return SERVER.has(name) ? 'server' : 'unknown';
}
