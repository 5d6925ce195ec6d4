import type { FinalCause } from '#libs/contract/decision.ts';

/** Causes of a gateway that does not respond, responds with 5xx, or has no free channel. */
export const GATEWAY_FAILURES = [
  'NORMAL_TEMPORARY_FAILURE',
  'RECOVERY_ON_TIMER_EXPIRE',
  'PROGRESS_TIMEOUT',
  'NETWORK_OUT_OF_ORDER',
  'DESTINATION_OUT_OF_ORDER',
  'NORMAL_CIRCUIT_CONGESTION',
  'SWITCH_CONGESTION',
  'GATEWAY_DOWN',
] as const satisfies readonly FinalCause[];
