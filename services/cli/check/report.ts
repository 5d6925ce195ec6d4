import { phasesInMs } from '#libs/http/phases.ts';
import { publicUrl } from '#libs/net/url.ts';
import { applicationLines } from '../applications.ts';
import type { Paint, Terminal } from '../command.ts';
import { plain } from '../table.ts';
import { remedyOf } from './remedies.ts';
import type { NotificationResult, RequestResult } from './send.ts';

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

/** Prints the result of one request; `applications` are those that FreeSWITCH would get. */
export function reportRequest(
  result: RequestResult,
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
    return;
  }
  out(`${paint('red', reply.result)}  ${reply.error}`);
  out('  The dialplan would continue with its next action.');
  const remedy = remedyOf(reply.result);
  if (remedy !== undefined) out(`  ${paint('yellow', 'What to do:')} ${remedy}`);
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
  if (remedy !== undefined) out(`  ${paint('yellow', 'What to do:')} ${remedy}`);
}

/** The JSON form of reportRequest. */
export function jsonOfRequest({ url, reply, answer }: RequestResult, applications: readonly string[]) {
  const decided = reply.result === 'decided';
  return {
    endpoint: publicUrl(url),
    result: reply.result,
    ...(decided ? { applications } : { error: reply.error, remedy: remedyOf(reply.result) }),
    ...(answer.ok ? { status: answer.status, answer: answer.body.slice(0, MAX_ANSWER) } : {}),
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
