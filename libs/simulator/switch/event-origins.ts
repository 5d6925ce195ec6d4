import type { EventOrigin } from './core.ts';

const channel = (name: string, line: number): EventOrigin => ({
  file: 'switch_channel.c',
  function: name,
  line,
});

/** The events the simulator makes, and where in FreeSWITCH 1.11 they are made. */
export const ORIGINS = {
  CHANNEL_CREATE: { file: 'switch_core_state_machine.c', function: 'switch_core_session_run', line: 630 },
  CHANNEL_DATA: { file: 'mod_event_socket.c', function: 'parse_command', line: 2029 },
  CHANNEL_EXECUTE: { file: 'switch_core_session.c', function: 'switch_core_session_exec', line: 2934 },
  CHANNEL_EXECUTE_COMPLETE: {
    file: 'switch_core_session.c',
    function: 'switch_core_session_exec',
    line: 2961,
  },
  CHANNEL_PROGRESS: channel('switch_channel_perform_mark_ring_ready_value', 3507),
  CHANNEL_PROGRESS_MEDIA: channel('switch_channel_perform_mark_pre_answered', 3562),
  CHANNEL_ANSWER: channel('switch_channel_perform_mark_answered', 3848),
  CHANNEL_BRIDGE: { file: 'switch_ivr_bridge.c', function: 'switch_ivr_multi_threaded_bridge', line: 1689 },
  CHANNEL_UNBRIDGE: { file: 'switch_ivr_bridge.c', function: 'switch_ivr_multi_threaded_bridge', line: 1866 },
  CHANNEL_HANGUP: channel('switch_channel_perform_hangup', 3449),
  CHANNEL_HANGUP_COMPLETE: {
    file: 'switch_core_state_machine.c',
    function: 'switch_core_session_reporting_state',
    line: 943,
  },
  CHANNEL_DESTROY: {
    file: 'switch_core_session.c',
    function: 'switch_core_session_perform_destroy',
    line: 1565,
  },
  BACKGROUND_JOB: { file: 'mod_event_socket.c', function: 'api_exec', line: 1572 },
  HEARTBEAT: { file: 'switch_core.c', function: 'send_heartbeat', line: 95 },
} as const satisfies Record<string, EventOrigin>;
