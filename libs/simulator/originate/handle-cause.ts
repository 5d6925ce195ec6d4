import { causeNumber } from '#libs/simulator/switch/hangup-cause.ts';
import { isTrue, separate } from '#libs/simulator/switch/switch-strings.ts';

const ALWAYS_CONTINUE = new Set(['NO_ANSWER', 'NO_USER_RESPONSE', 'ORIGINATOR_CANCEL']);

const lists = (list: string, cause: string): boolean =>
  separate(list, ',').some((one) => one.toUpperCase() === cause || one === String(causeNumber(cause)));

/**
 * Whether a failed bridge hangs up the caller leg; otherwise the dialplan continues. The rules of
 * switch_channel_handle_cause, without transfer_on_fail.
 */
export function endsCall(
  cause: string,
  variables: { readonly continueOnFail: string | undefined; readonly failureCauses: string | undefined },
): boolean {
  const { continueOnFail, failureCauses } = variables;
  if (cause === 'ATTENDED_TRANSFER') return false;
  if (continueOnFail === undefined && failureCauses === undefined) return !ALWAYS_CONTINUE.has(cause);
  if (failureCauses !== undefined && !lists(failureCauses, cause)) return false;
  if (continueOnFail === undefined) return true;
  return !isTrue(continueOnFail) && !lists(continueOnFail, cause);
}
