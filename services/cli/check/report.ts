import { phasesInMs } from '#libs/http/phases.ts';
import { publicUrl } from '#libs/http/wire-request.ts';
import type { Paint, Terminal } from '../command-line.ts';
import { plain } from '../table.ts';
import { toldLines } from '../told.ts';
import type { Asked, Told } from './ask.ts';

import { remedyOf } from './remedies.ts';

const MAX_ANSWER = 2_000;
const BAR = 24;

const PHASE_NAMES = {
  queue_ms: 'wait',
  dns_ms: 'DNS',
  connect_ms: 'TCP',
  tls_ms: 'TLS',
  ttfb_ms: 'first byte',
  body_ms: 'body',
} as const;

const rounded = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

/** A line for each phase, with a bar as long as its share. */
function phaseLines({ answer }: Asked, paint: Paint): string[] {
  const phases = Object.entries(phasesInMs(answer.timing.phases)) as [keyof typeof PHASE_NAMES, number][];
  const longest = Math.max(...phases.map(([, ms]) => ms), 0.001);
  return phases.map(([name, ms]) => {
    const bar = '█'.repeat(Math.round((ms / longest) * BAR));
    return `  ${PHASE_NAMES[name].padEnd(12)}${rounded(ms).padStart(8)}  ${paint('cyan', bar)}`.trimEnd();
  });
}

/** Where it was asked, what it said, how long it took. */
const headLine = ({ url, answer }: Asked, paint: Paint): string => {
  const { connectMs, responseMs } = answer.timing;
  const status = answer.ok ? `HTTP ${answer.status}` : 'no answer';
  return `${paint('bold', publicUrl(url) || url)}  ${status}  ${connectMs + responseMs} ms`;
};

function answerLines(body: string): string[] {
  const text =
    body.length > MAX_ANSWER ? `${body.slice(0, MAX_ANSWER)} ... (${body.length} characters)` : body;
  return text.trim() === ''
    ? []
    : ['', '  It answered:', ...text.split('\n').map((line) => `    ${plain(line)}`)];
}

/** What came of asking one endpoint; `applications` is what FreeSWITCH would be told. */
export function reportAsked(asked: Asked, applications: readonly string[], { out, paint }: Terminal): void {
  const { reply, answer } = asked;
  out(headLine(asked, paint));
  for (const line of phaseLines(asked, paint)) out(line);
  out('');
  if (reply.result === 'decided') {
    out(`${paint('green', 'decided')}  FreeSWITCH would be told:`);
    for (const line of toldLines(applications, paint)) out(`  ${line}`);
    return;
  }
  out(`${paint('red', reply.result)}  ${reply.error}`);
  out(`  The dialplan would go on with its next line.`);
  const remedy = remedyOf(reply.result);
  if (remedy !== undefined) out(`  ${paint('yellow', 'What to do:')} ${remedy}`);
  if (answer.ok) for (const line of answerLines(answer.body)) out(line);
}

const toldWords = ({ verdict }: Told): string => {
  if (verdict.kind === 'delivered') return `taken with ${verdict.status}`;
  const next = verdict.dead === undefined ? 'would be sent again' : 'would never be sent again';
  return `${verdict.error}: ${next}`;
};

const toldRemedy = (told: readonly Told[]): string | undefined => {
  const [failed] = told.filter(({ verdict }) => verdict.kind === 'failed');
  if (!failed) return undefined;
  return failed.repeated
    ? 'answer 2xx to a webhook-id that is known already, and do nothing else'
    : 'answer 2xx to every action, also to those that are of no interest';
};

export function reportTold(told: readonly Told[], { out, paint }: Terminal): void {
  out('');
  out(paint('bold', 'Notifications'));
  for (const one of told) {
    const name = one.repeated ? `${one.action} again` : one.action;
    const colour = one.verdict.kind === 'delivered' ? 'green' : 'red';
    out(`  ${name.padEnd(14)}${paint(colour, toldWords(one))}`);
  }
  const remedy = toldRemedy(told);
  if (remedy !== undefined) out(`  ${paint('yellow', 'What to do:')} ${remedy}`);
}

/** The same for machines. */
export function jsonOfAsked({ url, reply, answer }: Asked, applications: readonly string[]) {
  const decided = reply.result === 'decided';
  return {
    endpoint: publicUrl(url),
    result: reply.result,
    ...(decided ? { told: applications } : { error: reply.error, remedy: remedyOf(reply.result) }),
    ...(answer.ok ? { status: answer.status, answer: answer.body.slice(0, MAX_ANSWER) } : {}),
    ms: answer.timing.connectMs + answer.timing.responseMs,
    phases: phasesInMs(answer.timing.phases),
  };
}

export const jsonOfTold = (told: readonly Told[]) =>
  told.map(({ action, repeated, verdict, answer }) => ({
    action,
    repeated,
    ms: answer.timing.connectMs + answer.timing.responseMs,
    ...verdict,
  }));
