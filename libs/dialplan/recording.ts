import type { Variables } from '#libs/contract/decision.ts';
import type { DialPlan } from '#libs/contract/plan.ts';
import { CONNECTED_HOOK } from './acceptance.ts';
import type { FindSound } from './sounds.ts';

/** The file of one recording. */
export interface RecordingFile {
  /** The absolute path. */
  readonly path: string;
  /** The part of the path that the endpoint gets. */
  readonly name: string;
}

/** The recording of a decision. Each leg that may be connected has a file of its own. */
export interface Recording {
  readonly channels: 1 | 2;
  readonly start: 'answer' | 'early_media';
  /** The path of the announcement; undefined without one, or without its sound. */
  readonly announcement: string | undefined;
  /** The file of the leg with this number, from 1 in the order of the plan. */
  readonly file: (leg: number) => RecordingFile;
}

export function recordingOf(
  { record }: Pick<DialPlan, 'record'>,
  file: Recording['file'],
  find: FindSound,
): Recording | undefined {
  if (record === undefined) return undefined;
  const { channels, start, announce } = record;
  return { channels, start, announcement: announce === undefined ? undefined : find(announce), file };
}

/** The channel variable of a called leg that may be recorded: `CHANNELS/NAME`. */
export const RECORDING_VARIABLE = 'dialhook_recording';

const VALUE = /^([12])\/(.+)$/s;

/** The channels and the name in RECORDING_VARIABLE; undefined without one. */
export function parseRecording(value: string): { channels: 1 | 2; name: string } | undefined {
  const [, channels, name = ''] = VALUE.exec(value) ?? [];
  return channels === undefined ? undefined : { channels: channels === '1' ? 1 : 2, name };
}

/**
 * Bytes that FreeSWITCH holds in memory before it writes them, half a second of two channels at 8 kHz. A crash loses them;
 * the default is two seconds (SWITCH_DEFAULT_FILE_BUFFER_LEN).
 */
const WRITE_BUFFER = '16000';

/** Hooks at the end of the bridge: a later bridge of the leg belongs to another call. */
const STOP = 'execute_on_post_bridge_dialhook_record';
const CANCEL = 'execute_on_post_bridge_dialhook_announce';

const ANSWER_HOOK = 'execute_on_answer_dialhook';
const unset = (...names: string[]): string => `multiunset ${names.join(' ')}`;

/**
 * Starts the recording. At the answer it starts for every leg, also for one that another leg then wins over, or that has yet
 * to accept the call: FreeSWITCH records while the leg is connected (RECORD_BRIDGE_REQ), and removes a file without audio.
 *
 * FreeSWITCH connects a leg with early media; when it runs execute_on_media, the leg has no codec yet and cannot be recorded.
 * The answer unsets that hook before FreeSWITCH stores the leg for `sofia recover`: a recovered leg would run it again, and
 * overwrite the file.
 */
function startHooks(start: Recording['start'], path: string): Variables {
  const record = `record_session ${path}`;
  const answered = `${ANSWER_HOOK}_record`;
  if (start === 'answer') return { [answered]: record };
  const connected = [`${CONNECTED_HOOK}_record`, `${CONNECTED_HOOK}_recorded`] as const;
  return {
    [answered]: record,
    [`${ANSWER_HOOK}_recorded`]: unset(...connected),
    [connected[0]]: record,
    [connected[1]]: unset(answered, ...connected),
  };
}

/** `isAlone`: no other leg rings at the same time, and the answer connects the leg. Others hear it once, when connected. */
function announcementHooks(announcement: string | undefined, isAlone: boolean): Variables {
  if (announcement === undefined) return {};
  const hook = `${isAlone ? ANSWER_HOOK : CONNECTED_HOOK}_announce`;
  const done = `${CONNECTED_HOOK}_announced`;
  return {
    [hook]: `sched_broadcast +1 ${announcement} both`,
    ...(isAlone ? {} : { [done]: unset(hook, done) }),
    [CANCEL]: 'sched_cancel',
  };
}

/**
 * Variables of a called leg that record it. The called leg is recorded, not the caller leg, so that each target has its own
 * file and that the file is closed before the end of the leg is reported. They must follow the variables of a ring time,
 * whose `sched_cancel` would cancel the announcement.
 */
export function recordingVariables(
  recording: Recording | undefined,
  leg: number,
  isAlone: boolean,
): Variables {
  if (recording === undefined) return {};
  const { channels, start, announcement, file } = recording;
  const { path, name } = file(leg);
  return {
    [RECORDING_VARIABLE]: `${channels}/${name}`,
    ...(channels === 2 ? { RECORD_STEREO: 'true', RECORD_STEREO_SWAP: 'true' } : {}),
    RECORD_BRIDGE_REQ: 'true',
    enable_file_write_buffering: WRITE_BUFFER,
    ...startHooks(start, path),
    ...announcementHooks(announcement, isAlone),
    [STOP]: `stop_record_session ${path}`,
  };
}
