import { UnsafeValueError } from '#libs/esl/text.ts';

/**
 * The api commands that name a channel, by FreeSWITCH's uuid: any text without white space when the caller chooses it
 * (inbound-use-callid-as-uuid).
 */

/** FreeSWITCH ends a command or an argument at these. */
const UNSAFE = /[\0-\x20\x7f]/;

/** @throws {UnsafeValueError} when no command can hold the uuid. */
function plain(uuid: string): string {
  if (uuid === '' || UNSAFE.test(uuid))
    throw new UnsafeValueError('no command of the event socket can hold the uuid of this call in FreeSWITCH');
  return uuid;
}

/**
 * The uuid as an argument that FreeSWITCH separates with `switch_separate_string` (switch_utils.c): quotes and backslashes
 * need a backslash, and `^^` in front would set another delimiter.
 */
function separated(uuid: string): string {
  const escaped = plain(uuid).replaceAll(/[\\'"]/g, '\\$&');
  return escaped.startsWith('^^') ? `^^ ${escaped}` : escaped;
}

/** `true` or `false`. A channel that has hung up does not exist. */
export const uuidExists = (uuid: string): string => `uuid_exists ${plain(uuid)}`;

export const uuidKill = (uuid: string, cause: string): string => `uuid_kill ${plain(uuid)} ${cause}`;

export const uuidGetvar = (uuid: string, name: string): string => `uuid_getvar ${separated(uuid)} ${name}`;

/**
 * Names the dialplan: the channel's own may be `inline`, which reads an extension as a list of applications.
 * @param destination must not start with a dash, which is an option.
 */
export const uuidTransfer = (uuid: string, destination: string, context: string | undefined): string =>
  ['uuid_transfer', separated(uuid), destination, 'XML', ...(context === undefined ? [] : [context])].join(
    ' ',
  );
