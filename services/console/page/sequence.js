/** @import { CallDetail } from '../../../libs/contract/console.ts' */
/** @import { Notification } from '../../../libs/contract/endpoint.ts' */
/** @import { TimelineStep } from '../../../libs/contract/timeline.ts' */

/**
 * The sequence diagram of a call as data: lanes, arrows between them and bars on them, by time. A pure function, without
 * words and colours of the page.
 *
 * @typedef {{ id: string, kind: 'caller' | 'freeswitch' | 'endpoint' | 'leg', name: string }} Lane
 * @typedef {{ at: number, from: string, to: string, key: string, values: Record<string, unknown>, tone: string }} Arrow
 *   `at`: ms since the start of the call. `key` and `values`: the text. An arrow from a lane to itself is a note.
 * @typedef {{ lane: string, from: number, to: number, kind: 'ringing' | 'talking' | 'deciding' }} Bar
 * @typedef {{ lanes: Lane[], arrows: Arrow[], bars: Bar[] }} Sequence
 */

/** Called legs with a lane of their own. */
const MAX_LEGS = 6;
const CALLER = 'caller';
const FREESWITCH = 'freeswitch';

/** @typedef {Extract<TimelineStep, { step: 'published' }>} Published */
/** @typedef {Extract<TimelineStep, { step: 'attempted' }>} Attempted */
/** @typedef {Extract<TimelineStep, { step: 'requested' }>} Requested */

/** Host and port of a URL. @type {(url: string) => string} */
export const host = (url) => URL.parse(url)?.host ?? url;
/** @type {(url: string) => string} */
const endpointLane = (url) => `endpoint ${host(url)}`;

/** The called legs that notifications name, in the order of their first event. @type {(steps: readonly TimelineStep[]) => Map<string, string>} */
function calledLegs(steps) {
  /** @type {Map<string, string>} */
  const legs = new Map();
  for (const step of steps) {
    if (step.step !== 'published') continue;
    const { notification: one } = step;
    if ('called_number' in one && !legs.has(one.leg)) legs.set(one.leg, one.called_number);
    if (one.action === 'hangup' && !one.recovered)
      for (const { leg, number } of one.tried) if (!legs.has(leg)) legs.set(leg, number);
  }
  return new Map([...legs].slice(0, MAX_LEGS));
}

/** @type {(detail: Pick<CallDetail, 'call' | 'steps'>, legs: ReadonlyMap<string, string>) => Lane[]} */
function lanesOf({ call, steps }, legs) {
  const urls = steps.flatMap((step) =>
    step.step === 'requested' || step.step === 'attempted' ? [step.endpoint] : [],
  );
  return [
    { id: CALLER, kind: 'caller', name: call.from },
    { id: FREESWITCH, kind: 'freeswitch', name: call.node },
    ...[...new Map(urls.map((url) => [endpointLane(url), host(url)]))].map(
      ([id, name]) => /** @type {Lane} */ ({ id, kind: 'endpoint', name }),
    ),
    ...[...legs].map(([id, name]) => /** @type {Lane} */ ({ id, kind: 'leg', name })),
  ];
}

/** @type {(step: Requested, at: number) => Arrow[]} */
function requestArrows(step, at) {
  const lane = endpointLane(step.endpoint);
  const tone = step.result === 'decided' ? 'good' : 'bad';
  if (step.cache)
    return [
      { at, from: FREESWITCH, to: FREESWITCH, key: `cache.${step.cache.outcome}`, values: {}, tone: 'busy' },
    ];
  return [
    { at: Math.max(0, at - step.ms), from: FREESWITCH, to: lane, key: 'request', values: {}, tone: 'plain' },
    {
      ...{ at, from: lane, to: FREESWITCH, tone },
      ...(step.status === undefined || step.result !== 'decided'
        ? { key: 'sequence.failed', values: { result: step.result } }
        : { key: 'sequence.response', values: { status: step.status } }),
    },
  ];
}

/** @type {(notification: Notification, legs: ReadonlyMap<string, string>, at: number) => Arrow[]} */
function eventArrows(notification, legs, at) {
  const { action } = notification;
  const known = legs.has(notification.leg) ? notification.leg : FREESWITCH;
  /** @type {(from: string, to: string, tone: string, values?: Record<string, unknown>) => Arrow} */
  const arrow = (from, to, tone, values = {}) => ({ at, from, to, key: `sequence.${action}`, values, tone });
  switch (action) {
    case 'ring':
    case 'progress':
      return [arrow(known, FREESWITCH, 'busy')];
    case 'answer':
      return [arrow(known, FREESWITCH, 'good')];
    case 'leg_end':
      return [arrow(known, FREESWITCH, 'plain', { cause: notification.cause })];
    case 'recording':
      return [
        {
          ...arrow(known, FREESWITCH, notification.complete ? 'plain' : 'bad'),
          key: notification.complete ? 'sequence.recording' : 'sequence.recording.incomplete',
        },
      ];
    case 'transfer': {
      const to =
        notification.to_leg !== undefined && legs.has(notification.to_leg) ? notification.to_leg : FREESWITCH;
      return [arrow(FREESWITCH, to, 'busy', { to: notification.to_number ?? '' })];
    }
    case 'hangup': {
      const values = { cause: notification.cause };
      if (notification.recovered) return [arrow(FREESWITCH, FREESWITCH, 'busy', values)];
      const talked = notification.tried.find(({ leg, answered }) => answered && legs.has(leg));
      if (notification.hangup_by === 'caller') return [arrow(CALLER, FREESWITCH, 'plain', values)];
      const from = notification.hangup_by === 'callee' ? (talked?.leg ?? FREESWITCH) : FREESWITCH;
      return from === FREESWITCH
        ? [arrow(FREESWITCH, CALLER, 'plain', values)]
        : [
            arrow(from, FREESWITCH, 'plain', values),
            { ...arrow(FREESWITCH, CALLER, 'plain', values), key: 'sequence.bye' },
          ];
    }
  }
}

/** @type {(step: Attempted, at: number) => Arrow} */
const deliveryArrow = (step, at) => ({
  at,
  from: FREESWITCH,
  to: endpointLane(step.endpoint),
  key: `sequence.${step.outcome}`,
  values: { action: step.notification.split('.').at(-1), retry_in_ms: step.retry_in_ms },
  tone: { delivered: 'quiet', retried: 'busy', dead: 'bad' }[step.outcome],
});

/** @type {(step: TimelineStep, legs: ReadonlyMap<string, string>, at: number) => Arrow[]} */
function arrowsOf(step, legs, at) {
  switch (step.step) {
    case 'received': {
      const { attempt, reason, destination_number } = step.request;
      if (attempt === 1)
        return [
          {
            at,
            from: CALLER,
            to: FREESWITCH,
            key: 'sequence.invite',
            values: { to: destination_number },
            tone: 'plain',
          },
        ];
      return [{ at, from: FREESWITCH, to: FREESWITCH, key: `reason.${reason}`, values: {}, tone: 'busy' }];
    }
    case 'requested':
      return requestArrows(step, at);
    case 'decided': {
      const isDecision = step.result === 'decided' || step.result === 'defaulted';
      const key = isDecision ? `sequence.${step.result}` : 'sequence.failed';
      return [
        {
          at,
          from: FREESWITCH,
          to: FREESWITCH,
          key,
          values: { result: step.result },
          tone: isDecision ? 'good' : 'bad',
        },
      ];
    }
    case 'published':
      return eventArrows(step.notification, legs, at);
    case 'attempted':
      return [deliveryArrow(step, at)];
  }
}

/** Bars from the first `begin` of a lane to the next `until`, or the end of the call. @type {(steps: readonly TimelineStep[], legs: ReadonlyMap<string, string>, offset: (step: TimelineStep) => number, end: number) => Bar[]} */
function barsOf(steps, legs, offset, end) {
  /** @type {Bar[]} */
  const bars = [];
  const ends = steps.filter((step) => step.step === 'published' && step.notification.action === 'hangup');
  const hangup = ends[0] ? offset(ends[0]) : end;
  for (const leg of legs.keys()) {
    const at = (/** @type {string[]} */ actions) => {
      const found = steps.find(
        (step) =>
          step.step === 'published' &&
          step.notification.leg === leg &&
          actions.includes(step.notification.action),
      );
      return found && offset(found);
    };
    const [ring, answer, over = hangup] = [at(['ring', 'progress']), at(['answer']), at(['leg_end'])];
    if (ring !== undefined) bars.push({ lane: leg, from: ring, to: answer ?? over, kind: 'ringing' });
    if (answer !== undefined) bars.push({ lane: leg, from: answer, to: over, kind: 'talking' });
  }
  let received = /** @type {number | undefined} */ (undefined);
  for (const step of steps) {
    if (step.step === 'received') received = offset(step);
    if (step.step !== 'decided' || received === undefined) continue;
    bars.push({ lane: FREESWITCH, from: received, to: offset(step), kind: 'deciding' });
    received = undefined;
  }
  return bars;
}

/** @type {(detail: Pick<CallDetail, 'call' | 'steps'>) => Sequence} */
export function sequenceOf(detail) {
  const { steps } = detail;
  const start = Date.parse(steps[0]?.time ?? '');
  const offset = (/** @type {TimelineStep} */ step) => Date.parse(step.time) - start;
  const legs = calledLegs(steps);
  const arrows = steps.flatMap((step) => arrowsOf(step, legs, offset(step))).sort((a, b) => a.at - b.at);
  const end = arrows.at(-1)?.at ?? 0;
  return { lanes: lanesOf(detail, legs), arrows, bars: barsOf(steps, legs, offset, end) };
}

/** Heights in px: of an arrow with its text, and for each tenfold of the time to the one before. */
const ROW = 22;
const DECADE = 13;
/** Height of each further line of a text. */
const LINE = 13;

/**
 * The height of each point of time. The distance of two arrows grows with the logarithm of the time between them, so
 * that a decision of milliseconds and a talk of hours fit on one page.
 * @param {readonly number[]} times in order
 * @param {readonly number[]} lines of the text at each time; 1 where left out
 * @returns {{ rows: number[], yOf: (time: number) => number, height: number }} `rows`: the height of each time
 */
export function scaleOf(times, lines = []) {
  const below = (/** @type {number} */ n) => LINE * ((lines[n] ?? 1) - 1);
  let y = ROW;
  const rows = times.map((time, n) => {
    const gap = n === 0 ? 0 : time - (times[n - 1] ?? 0);
    if (n > 0) y += ROW + below(n - 1) + DECADE * Math.log10(1 + gap);
    return y;
  });
  const yOf = (/** @type {number} */ time) => {
    const after = times.findIndex((one) => one >= time);
    if (after <= 0) return rows[after === 0 ? 0 : rows.length - 1] ?? ROW;
    const [before, next] = [times[after - 1] ?? 0, times[after] ?? 0];
    const [low, high] = [rows[after - 1] ?? 0, rows[after] ?? 0];
    const part = next === before ? 1 : Math.log10(1 + time - before) / Math.log10(1 + next - before);
    return low + (high - low) * part;
  };
  return { rows, yOf, height: y + ROW + below(times.length - 1) };
}
