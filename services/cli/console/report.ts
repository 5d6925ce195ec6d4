import type { CallDetail } from '#libs/contract/console.ts';
import type { Phases, TimelineStep } from '#libs/contract/timeline.ts';
import { applicationLines } from '../applications.ts';
import type { Format, Paint, Terminal } from '../command.ts';
import { plain } from '../table.ts';
import { clock, colourOfResult, colourOfState, ending, span } from './words.ts';

type Step<S extends TimelineStep['step']> = Extract<TimelineStep, { step: S }>;
type Notification = Step<'published'>['notification'];

const phaseWords = (phases: Phases): string =>
  Object.entries(phases)
    .map(([name, ms]) => `${name.replace('_ms', '')} ${ms}`)
    .join(', ');

function notificationWords(n: Notification): string {
  if (n.action === 'transfer')
    return `transfer: ${n.kind} by ${n.by}${n.to_number === undefined ? '' : ` to ${n.to_number}`}`;
  if (n.action === 'leg_end')
    return `leg_end: ${n.called_number} ${n.cause}${n.talk_ms > 0 ? `, ${span(n.talk_ms)} talk` : ''}`;
  if (n.action === 'recording')
    return `recording: ${n.name}, ${n.complete ? span(n.duration_ms ?? 0) : 'not complete'}`;
  if (n.action !== 'hangup') return `${n.action}: ${n.called_number}`;
  return n.recovered
    ? 'hangup: synthesized, the end of the call was not seen'
    : `hangup: ${n.cause} by ${n.hangup_by}`;
}

const statusWords = (status: number | undefined, error: string | undefined): string =>
  status === undefined ? (error ?? 'no answer') : `HTTP ${status}`;

function attemptWords({
  notification,
  endpoint,
  attempt,
  status,
  error,
  ms,
  retry_in_ms,
}: Step<'attempted'>): string {
  const action = notification.split('.').at(-1);
  const again = retry_in_ms === undefined ? '' : `, retry in ${span(retry_in_ms)}`;
  return `${action} to ${endpoint}: ${statusWords(status, error)}, ${span(ms)}${attempt > 1 ? `, attempt ${attempt}` : ''}${again}`;
}

/** Name, colour and description of a step. */
function stepWords(step: TimelineStep): readonly [word: string, colour: Format, rest: string] {
  switch (step.step) {
    case 'received':
      return [
        'received',
        'cyan',
        `by ${step.by}${step.request.reason === 'new' ? '' : `, ${step.request.reason}`}${step.request.attempt > 1 ? `, attempt ${step.request.attempt}` : ''}`,
      ];
    case 'requested': {
      if (step.cache) {
        const { outcome, age_ms } = step.cache;
        const why = outcome === 'stale' ? ', because the request failed (stale-if-error)' : '';
        return ['cached', 'yellow', `decision of ${step.endpoint}, ${span(age_ms)} old${why}`];
      }
      const answer = step.result === 'decided' ? statusWords(step.status, undefined) : (step.error ?? '');
      const times = phaseWords(step.phases);
      return [
        'requested',
        colourOfResult(step.result),
        `${step.fallback ? 'the fallback ' : ''}${step.endpoint}: ${answer}, ${span(step.ms)}${times === '' ? '' : ` (${times} ms)`}${step.not_cached === undefined ? '' : `; not cached: ${step.not_cached}`}`,
      ];
    }
    case 'decided':
      return [
        step.result,
        colourOfResult(step.result),
        `in ${span(step.ms)}${step.error === undefined ? '' : `: ${step.error}`}`,
      ];
    case 'published':
      return ['published', 'bold', notificationWords(step.notification)];
    case 'attempted':
      return [
        step.outcome,
        { delivered: 'green', retried: 'yellow', dead: 'red' }[step.outcome] as Format,
        attemptWords(step),
      ];
  }
}

function timeline({ steps }: CallDetail, paint: Paint): string[] {
  const begun = Date.parse(steps[0]?.time ?? '');
  return steps.map((step) => {
    const offset = `+${span(Date.parse(step.time) - begun)}`.padStart(12);
    const [word, colour, rest] = stepWords(step);
    return `${paint('dim', offset)}  ${paint(colour, plain(word).padEnd(12))} ${plain(rest)}`;
  });
}

function decisionLines({ decisions }: CallDetail, paint: Paint): string[] {
  return decisions.flatMap(({ requested, decided }, index) => {
    const answers = requested.filter(({ answer }) => answer !== undefined);
    const title = decisions.length > 1 ? `Decision ${index + 1}` : 'Decision';
    return [
      '',
      paint('bold', title),
      ...answers.flatMap(({ endpoint, answer = '' }) => [
        `  ${paint('dim', `${endpoint} answered`)}`,
        ...answer.split('\n').map((line) => `    ${plain(line)}`),
      ]),
      ...(decided === undefined || decided.applications.length === 0
        ? []
        : [
            `  ${paint('dim', 'sent to FreeSWITCH')}`,
            ...applicationLines(decided.applications, paint).map((line) => `    ${line}`),
          ]),
    ];
  });
}

/** Prints one call: its summary, its timeline and its decisions. */
export function reportCall(detail: CallDetail, { out, paint }: Terminal): void {
  const { call, trace_url, trace_id } = detail;
  const name = call.from_name === '' ? '' : `${plain(call.from_name)} `;
  const result = call.result === undefined ? '' : paint(colourOfResult(call.result), call.result);
  const facts: (readonly [string, string])[] = [
    ['started', `${clock(call.started)} UTC on ${plain(call.node)}`],
    [
      'decision',
      [result, call.decision_ms === undefined ? '' : `in ${span(call.decision_ms)}`].join(' ').trim(),
    ],
    ['error', plain(call.error ?? '')],
    ['end', plain(ending(call))],
    ['trace', trace_url ?? trace_id],
  ];
  out(
    `${paint('bold', `${name}${plain(call.from)} → ${plain(call.to)}`)}  ${paint(colourOfState(call.state), call.state)}`,
  );
  out(paint('dim', call.uuid));
  out('');
  for (const [label, text] of facts) if (text !== '') out(`  ${label.padEnd(10)}${text}`);
  out('');
  for (const line of timeline(detail, paint)) out(line);
  for (const line of decisionLines(detail, paint)) out(line);
}
