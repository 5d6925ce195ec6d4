import { parseRecording, RECORDING_VARIABLE } from '#libs/dialplan/recording.ts';
import { wholeNumber } from '#libs/esl/whole-number.ts';
import { type ChannelData, channelTime, variable } from './channel-data.ts';

/** The recording of a called leg that has ended or left its call. */
export interface LegRecording {
  readonly name: string;
  readonly channels: 1 | 2;
  readonly complete: boolean;
  readonly duration_ms?: number;
  /** In bytes. */
  readonly size?: number;
}

/** mod_sndfile writes a header of this length and samples of two bytes. */
const WAV_HEADER_BYTES = 44;
const SAMPLE_BYTES = 2;

function wavBytes(data: ChannelData, name: string, channels: number): { size?: number } {
  const samples = wholeNumber(variable(data, 'record_samples'));
  // A stereo codec always gives two channels (switch_ivr_record_session_event in switch_ivr_async.c).
  const isStereoCodec = (wholeNumber(variable(data, 'rtp_use_codec_channels')) ?? 1) > 1;
  if (samples === undefined || isStereoCodec || !name.endsWith('.wav')) return {};
  return { size: WAV_HEADER_BYTES + samples * channels * SAMPLE_BYTES };
}

/**
 * The recording of a leg; undefined without one. FreeSWITCH sets `record_ms` when it has closed the file, before it reports
 * the end of the leg (send_record_stop_event in switch_ivr_async.c). A leg that was connected and has none could not be
 * recorded. A leg that `sofia recover` has brought back is not recorded from then on.
 */
export function legRecording(data: ChannelData): LegRecording | undefined {
  const named = parseRecording(variable(data, RECORDING_VARIABLE));
  if (named === undefined) return undefined;
  const { name, channels } = named;
  const ms = wholeNumber(variable(data, 'record_ms'));
  // A transfer resets the time of the bridge.
  const wasConnected = channelTime(data, 'Bridged') > 0 || variable(data, 'last_bridge_to') !== '';
  if (!ms && !wasConnected) return undefined;
  const isWhole =
    ms !== undefined &&
    variable(data, 'RECORD_DISCARDED') !== 'true' &&
    variable(data, 'record_completion_cause') !== 'uri-failure' &&
    variable(data, 'recovered') !== 'true';
  if (!isWhole) return { name, channels, complete: false };
  return { name, channels, complete: true, duration_ms: ms, ...wavBytes(data, name, channels) };
}
