import type { Channel } from '#libs/simulator/switch/channel.ts';
import { integer, isTrue, separate } from '#libs/simulator/switch/switch-strings.ts';
import type { DialVariables } from './dial-string.ts';

const DEFAULT_TIMEOUT_S = 60;

/** Variables of the caller leg that apply to a bridge although they are not exported. */
const COPIED = [
  'fail_on_single_reject',
  'hangup_on_single_reject',
  'ignore_early_media',
  'bridge_early_media',
  'originate_continue_on_timeout',
  'ignore_ring_ready',
  'return_ring_ready',
  'ring_ready',
  'instant_ringback',
  'progress_timeout',
  'language',
];

export interface OriginateSettings {
  /** Set on every called leg. */
  readonly variables: DialVariables;
  readonly timeoutS: number;
  readonly progressTimeoutS: number | undefined;
  readonly continueOnTimeout: boolean;
  readonly ignoreRingReady: boolean;
  /** Early media connects a called leg (the default). */
  readonly earlyMediaConnects: boolean;
  /** ignore_early_media=ring_ready: early media is treated as ringing. */
  readonly earlyMediaRings: boolean;
}

/** The settings of a bridge, from exports, the braces of the dial string and variables of the caller leg. */
export function originateSettings(caller: Channel, braces: DialVariables): OriginateSettings {
  const variables = new Map([...exported(caller), ...braces]);
  for (const name of COPIED) {
    const value = caller.variables.get(name);
    if (value !== undefined && !variables.has(name)) variables.set(name, value);
  }
  const ignore = variables.get('ignore_early_media');
  const ignored = isTrue(ignore) || ignore === 'consume' || ignore === 'ring_ready';
  const earlyMediaConnects = !ignored && !isTrue(variables.get('bridge_early_media'));
  variables.set('originate_early_media', String(earlyMediaConnects));
  const progressTimeout = integer(variables.get('progress_timeout'));
  return {
    variables,
    timeoutS:
      positive(integer(variables.get('originate_timeout'))) ??
      positive(integer(caller.variables.get('call_timeout'))) ??
      DEFAULT_TIMEOUT_S,
    progressTimeoutS: positive(progressTimeout),
    continueOnTimeout: isTrue(variables.get('originate_continue_on_timeout')),
    ignoreRingReady: isTrue(variables.get('ignore_ring_ready')),
    earlyMediaConnects,
    earlyMediaRings: ignore === 'ring_ready',
  };
}

const positive = (number: number): number | undefined => (number > 0 ? number : undefined);

function exported(caller: Channel): Map<string, string> {
  const variables = new Map<string, string>();
  const names = caller.variables.get('export_vars');
  if (names === undefined) return variables;
  variables.set('export_vars', names);
  for (const name of separate(names, ',')) {
    const value = caller.get(name);
    if (value !== undefined) variables.set(name.replace(/^(?:nolocal:|_nolocal_)/i, ''), value);
  }
  return variables;
}
