import type { Variables } from '#libs/contract/decision.ts';
import type { DialPlan } from '#libs/contract/plan.ts';
import { ACCEPTED_SUBCLASS } from '#libs/esl/agent-rights.ts';
import { type FindSound, inSequence } from './sounds.ts';

/** The steps of an answered leg before it is connected with the caller. */
export interface Acceptance {
  /** The digit with which the called party accepts the call; undefined: the end of the sound accepts it. */
  readonly key: string | undefined;
  /** The sound for the called party; undefined: silence. */
  readonly path: string | undefined;
  /** Seconds from the answer until it must have accepted. */
  readonly timeout: number;
}

/** The channel variable of a called leg that has to accept the call: its answer alone does not connect it. */
export const ACCEPT_VARIABLE = 'dialhook_accept';

/** The longest sound of `whisper`, in seconds: the leg is hung up then. */
const MAX_WHISPER_S = 60;

/** The acceptance of a decision. A whisper without its sound is left out; a confirmation is still required. */
export function acceptanceOf(
  { confirm, whisper }: Pick<DialPlan, 'confirm' | 'whisper'>,
  find: FindSound,
): Acceptance | undefined {
  const whispered = whisper === undefined ? undefined : find(whisper.play);
  if (confirm === undefined)
    return whispered === undefined ? undefined : { key: undefined, path: whispered, timeout: MAX_WHISPER_S };
  const sounds = [whispered, find(confirm.play)].filter((path) => path !== undefined);
  const path = sounds.length === 0 ? undefined : inSequence(...sounds);
  return { key: confirm.key, path, timeout: confirm.timeout };
}

/** Hooks that run when a leg is connected with the caller, in this order (audio_bridge_thread in switch_ivr_bridge.c). */
export const CONNECTED_HOOK = 'execute_on_pre_bridge_dialhook';

/**
 * Variables for all legs of a group. FreeSWITCH runs the hooks some frames after it has connected the leg. A later
 * bridge of the leg, after a transfer, must not run them again. `hooks` are further ones.
 */
export function acceptanceVariables(acceptance: Acceptance | undefined, hooks: readonly string[]): Variables {
  if (acceptance === undefined) return {};
  const { key, path, timeout } = acceptance;
  const accepted = `${CONNECTED_HOOK}_accepted`;
  const done = `${CONNECTED_HOOK}_done`;
  return {
    [ACCEPT_VARIABLE]: 'true',
    ...(key === undefined
      ? { group_confirm_key: 'exec', group_confirm_file: `playback ${path}` }
      : { group_confirm_key: key, ...(path === undefined ? {} : { group_confirm_file: path }) }),
    group_confirm_timeout: String(timeout),
    // Otherwise FreeSWITCH would ask for the key during early media.
    group_confirm_early_ok: 'false',
    [accepted]: `event Event-Name=CUSTOM,Event-Subclass=${ACCEPTED_SUBCLASS}`,
    [done]: `multiunset ${[accepted, done, ...hooks].join(' ')}`,
  };
}
