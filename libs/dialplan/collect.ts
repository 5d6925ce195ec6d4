import type { Collect } from '#libs/contract/collect.ts';
import { CAUSE_VARIABLE, CLEAR_LAST_FAILURE, ENTRY_VARIABLE } from './after-failure.ts';
import type { Application, Settings } from './settings.ts';
import { type FindSound, inSequence } from './sounds.ts';

/** The channel variable with the digits that the caller typed. */
export const DIGITS_VARIABLE = 'dialhook_digits';

/** Set by FreeSWITCH (switch_ivr_read in switch_ivr_play_say.c): how the collection ended, and its terminator. */
export const READ_RESULT_VARIABLE = 'read_result';
export const READ_TERMINATOR_VARIABLE = 'read_terminator_used';

/** The cause for the caller when the endpoint does not decide after the digits. */
const NOT_DECIDED = 'NORMAL_TEMPORARY_FAILURE';

/** Variables of the caller leg, which the next decision or a transfer unsets. */
export const COLLECT_SETTINGS: Settings = {
  [ENTRY_VARIABLE]: 'digits',
  [DIGITS_VARIABLE]: '',
  [READ_RESULT_VARIABLE]: '',
  [READ_TERMINATOR_VARIABLE]: '',
};

/** Variables that are set once, together with COLLECT_SETTINGS. */
export const COLLECT_ONCE: Settings = { ...CLEAR_LAST_FAILURE, [CAUSE_VARIABLE]: NOT_DECIDED };

/** A digit that no phone sends: without one, `read` takes `#`. */
const NO_TERMINATOR = '-';

/**
 * Collects digits, and enters the agent again. When no agent accepts the connection, or the endpoint does not decide, the
 * caller is hung up: the dialplan of the caller has been replaced.
 */
export function readDigitsApplications(collect: Collect, find: FindSound, socket: string): Application[] {
  const { play, min, max, timeout, terminators, answer } = collect;
  const path = play === undefined ? undefined : find(play);
  const prompt = path === undefined ? 'silence' : inSequence(path);
  const ms = timeout * 1000;
  return [
    { name: answer ? 'answer' : 'pre_answer', data: '' },
    // A terminator that came after the last digits would end the collection at once.
    { name: 'flush_dtmf', data: '' },
    {
      name: 'read',
      data: [min, max, prompt, DIGITS_VARIABLE, ms, terminators || NO_TERMINATOR, ms].join(' '),
    },
    { name: 'socket', data: socket },
    { name: 'hangup', data: `\${${CAUSE_VARIABLE}}` },
  ];
}
