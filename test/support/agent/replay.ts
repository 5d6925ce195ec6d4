import { ObservedNotification } from '#libs/contract/endpoint.ts';
import type { FreeSwitchEvent } from '#libs/esl/inbound.ts';
import { CallTracker } from '#services/agent/call/call-tracker.ts';
import { type LegEventSettings, legEvent } from '#services/agent/call/leg-event.ts';
import type { CallEvent } from '#services/agent/call/notification.ts';

/** A tracker whose timers the test fires. */
export function trackedCalls() {
  const published: CallEvent[] = [];
  const timers = new Set<() => void>();
  const tracker = new CallTracker({
    publish: (event) => published.push(event),
    isUp: () => true,
    later: (_, work) => {
      timers.add(work);
      return () => timers.delete(work);
    },
  });
  const expire = () => {
    for (const work of timers) {
      timers.delete(work);
      work();
    }
  };
  return { tracker, published, timers, expire };
}

/** What the agent publishes about events of FreeSWITCH, each call as long as its hangup waits for other legs. */
export function replay(events: readonly FreeSwitchEvent[], settings: LegEventSettings): CallEvent[] {
  const { tracker, published, expire } = trackedCalls();
  for (const data of events) {
    const event = legEvent(data, settings);
    if (event !== undefined) tracker.onEvent(event);
  }
  expire();
  return published;
}

export const notificationsOf = (
  events: readonly FreeSwitchEvent[],
  settings: LegEventSettings,
): ObservedNotification[] =>
  replay(events, settings).map(({ notification }) => ObservedNotification.parse(notification));
