import type { CallState } from './call-state.ts';
import type { CallEvent } from './notification.ts';

/** A call after an event, and the notifications that the event causes. */
export interface Step {
  readonly call: CallState;
  readonly notifications: readonly CallEvent[];
}

/** The step of an event that does not concern the call. */
export const unchanged = (call: CallState): Step => ({ call, notifications: [] });

export function chain(step: Step, next: (call: CallState) => Step): Step {
  const { call, notifications } = next(step.call);
  return { call, notifications: [...step.notifications, ...notifications] };
}
