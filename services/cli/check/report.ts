import type { EndpointRequest } from '#libs/contract/endpoint.ts';
import type { DialPlan } from '#libs/contract/plan.ts';
import { cachePermission } from '#libs/dialplan/cache-control.ts';
import { phasesInMs } from '#libs/http/phases.ts';
import { publicUrl } from '#libs/net/url.ts';
import { applicationLines } from '../applications.ts';
import type { Paint, Terminal } from '../command.ts';
import { plain } from '../table.ts';
import { remedyOf } from './remedies.ts';
import type { NotificationResult, RequestResult } from './send.ts';
import type { Shown } from './shown.ts';

const MAX_ANSWER = 2_000;
const BAR = 24;

const rounded = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

/** A line for each phase, with a bar as long as its share. */
function phaseLines({ answer }: RequestResult, paint: Paint): string[] {
  const phases = Object.entries(phasesInMs(answer.timing.phases)).flatMap(([name, ms]) =>
    ms === undefined ? [] : [[name, ms] as const],
  );
  const longest = Math.max(...phases.map(([, ms]) => ms), 0.001);
  return phases.map(([name, ms]) => {
    const bar = '█'.repeat(Math.round((ms / longest) * BAR));
    return `  ${name.replace('_ms', '').padEnd(12)}${rounded(ms).padStart(8)}  ${paint('cyan', bar)}`.trimEnd();
  });
}

/** URL, status and duration. */
const headLine = ({ url, answer }: RequestResult, paint: Paint): string => {
  const { connectMs, responseMs } = answer.timing;
  const status = answer.ok ? `HTTP ${answer.status}` : 'no answer';
  return `${paint('bold', publicUrl(url) || url)}  ${status}  ${connectMs + responseMs} ms`;
};

function answerLines(body: string): string[] {
  const text =
    body.length > MAX_ANSWER ? `${body.slice(0, MAX_ANSWER)} ... (${body.length} characters)` : body;
  return text.trim() === ''
    ? []
    : ['', '  The answer:', ...text.split('\n').map((line) => `    ${plain(line)}`)];
}

/** How a router would cache this decision if its DECISION_CACHE_ENDPOINTS has the endpoint. */
function cacheLines({ answer }: RequestResult): string[] {
  const permission = answer.ok ? cachePermission(answer.headers) : undefined;
  if (permission === undefined) return [];
  if (typeof permission === 'string') return ['', `Not cached: ${permission}`];
  const { freshMs, staleMs, fields } = permission;
  const times = [
    ...(freshMs > 0 ? [`for ${freshMs / 1000} s`] : []),
    ...(staleMs > 0 ? [`for ${staleMs / 1000} s ${freshMs > 0 ? 'more ' : ''}while the endpoint fails`] : []),
  ];
  return [
    '',
    `Cached ${times.join(', ')}, for calls with the same ${fields.join(', ')},`,
    'by routers whose DECISION_CACHE_ENDPOINTS has the endpoint.',
  ];
}

/** The named limits of a decision. Only the agents know those of gateways. */
const limitsOf = ({ reply }: RequestResult): NonNullable<DialPlan['limit']> =>
  reply.result === 'decided' && 'groups' in reply.plan ? (reply.plan.limit ?? []) : [];

function limitLines(result: RequestResult): string[] {
  const limits = limitsOf(result).map(({ id, max, rate }) => {
    const bounds = [
      ...(max === undefined ? [] : [`${max} at once`]),
      ...(rate === undefined ? [] : [`${rate} per second`]),
    ];
    return `  ${id}: ${bounds.length === 0 ? `as id:${id} in LIMITS of the agents` : bounds.join(', ')}`;
  });
  return limits.length === 0
    ? []
    : ['', 'Dialled only while these limits on calls are not reached, else SIP 503:', ...limits];
}

const numberText = ({ number, network }: Shown): string =>
  network === undefined ? plain(number) : `${plain(number)}, and its network ${plain(network)}`;

function shownLines({ shown }: RequestResult, request: EndpointRequest): string[] {
  if (shown === undefined) return [];
  const { to_caller, to_called } = shown;
  const ownOr = ({ number }: Shown, own: string, whose: string) => (number === own ? ` (${whose})` : '');
  return [
    '',
    `The caller is shown ${numberText(to_caller)}${ownOr(to_caller, request.destination_number, 'the number that it dialled')}`,
    ...to_called.map(
      (one) =>
        `The called party is shown ${numberText(one)}${ownOr(one, request.caller_id_number, "the caller's own number")}`,
    ),
  ];
}

/** The ignored keys that are printed, and the characters of each. */
const MAX_IGNORED = 20;
const MAX_KEY = 64;

function ignoredLines({ ignored }: RequestResult, paint: Paint): string[] {
  if (ignored.length === 0) return [];
  const names = ignored.slice(0, MAX_IGNORED).map((key) => plain(key).slice(0, MAX_KEY));
  const more = ignored.length > MAX_IGNORED ? ` and ${ignored.length - MAX_IGNORED} more` : '';
  return [
    '',
    `${paint('yellow', 'Warning:')} ignored, because the decision has no such field: ${names.join(', ')}${more}`,
  ];
}

/** Prints the result of one request; `applications` are those that FreeSWITCH would get. */
export function reportRequest(
  result: RequestResult,
  request: EndpointRequest,
  applications: readonly string[],
  { out, paint }: Terminal,
): void {
  const { reply, answer } = result;
  out(headLine(result, paint));
  for (const line of phaseLines(result, paint)) out(line);
  out('');
  if (reply.result === 'decided') {
    out(`${paint('green', 'decided')}  FreeSWITCH would get:`);
    for (const line of applicationLines(applications, paint)) out(`  ${line}`);
    const more = [
      ...shownLines(result, request),
      ...limitLines(result),
      ...cacheLines(result),
      ...ignoredLines(result, paint),
    ];
    for (const line of more) out(line);
    return;
  }
  out(`${paint('red', reply.result)}  ${reply.error}`);
  out('  The dialplan would continue with its next action.');
  const remedy = remedyOf(reply.result);
  if (remedy !== undefined) out(`  ${paint('yellow', 'Remedy:')} ${remedy}`);
  if (answer.ok) for (const line of answerLines(answer.body)) out(line);
}

const verdictText = ({ verdict }: NotificationResult): string => {
  if (verdict.kind === 'delivered') return `delivered, status ${verdict.status}`;
  const next = verdict.dead === undefined ? 'would be retried' : 'would become a dead letter';
  return `${verdict.error}: ${next}`;
};

const notificationRemedy = (results: readonly NotificationResult[]): string | undefined => {
  const [failed] = results.filter(({ verdict }) => verdict.kind === 'failed');
  if (!failed) return undefined;
  return failed.repeated
    ? 'answer 2xx to a repeated webhook-id and ignore the repeat'
    : 'answer 2xx to every action, also to actions that you ignore';
};

export function reportNotifications(results: readonly NotificationResult[], { out, paint }: Terminal): void {
  out('');
  out(paint('bold', 'Notifications'));
  for (const one of results) {
    const name = one.repeated ? `${one.action} again` : one.action;
    const colour = one.verdict.kind === 'delivered' ? 'green' : 'red';
    out(`  ${name.padEnd(14)}${paint(colour, verdictText(one))}`);
  }
  const remedy = notificationRemedy(results);
  if (remedy !== undefined) out(`  ${paint('yellow', 'Remedy:')} ${remedy}`);
}

/** The JSON form of reportRequest. */
export function jsonOfRequest(result: RequestResult, applications: readonly string[]) {
  const { url, reply, answer, shown, ignored } = result;
  const limits = limitsOf(result);
  const decided = reply.result === 'decided';
  return {
    endpoint: publicUrl(url),
    result: reply.result,
    ...(decided ? { applications } : { error: reply.error, remedy: remedyOf(reply.result) }),
    ...(answer.ok ? { status: answer.status, answer: answer.body.slice(0, MAX_ANSWER) } : {}),
    ...(shown === undefined ? {} : { shown }),
    ...(ignored.length > 0 ? { ignored } : {}),
    ...(limits.length > 0 ? { limits } : {}),
    ...(decided && answer.ok ? { cached: cachePermission(answer.headers) } : {}),
    ms: answer.timing.connectMs + answer.timing.responseMs,
    phases: phasesInMs(answer.timing.phases),
  };
}

export const jsonOfNotifications = (results: readonly NotificationResult[]) =>
  results.map(({ action, repeated, verdict, answer }) => ({
    action,
    repeated,
    ms: answer.timing.connectMs + answer.timing.responseMs,
    ...verdict,
  }));
