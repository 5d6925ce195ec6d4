import { MAX_VARIABLE_BYTES, type OutboundCall } from '#libs/esl/outbound-call.ts';

/** Put before every value: FreeSWITCH drops a leading ~, and -ERR is not distinguished from an error. */
const MARK = '.';

export const MAX_PIECE_BYTES = MAX_VARIABLE_BYTES - MARK.length;

/**
 * The bytes of an expression such as `${name}`, cut at MAX_PIECE_BYTES. A `socket` without `full` has no api command, so
 * FreeSWITCH expands the expression into `variable`, from which it is read: two round trips. `export`, unlike `set`,
 * does not expand its value again.
 */
export async function readExpression(
  call: OutboundCall,
  variable: string,
  expression: string,
): Promise<Buffer> {
  await call.execute('export', `${variable}=${MARK}${expression}`);
  return (await call.getVariable(variable)).subarray(MARK.length);
}
