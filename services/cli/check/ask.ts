import type { CtiBridgeArguments } from '#libs/contract/arguments.ts';
import { type EndpointRequest, notificationId, requestId } from '#libs/contract/endpoint.ts';
import type { DecisionReply } from '#libs/contract/messages.ts';
import type { VariablePolicy } from '#libs/contract/refused-variables.ts';
import { replyOf } from '#libs/dialplan/answer.ts';
import type { EndpointClient, HttpAnswer } from '#libs/http/client.ts';
import { type Verdict, verdictOf } from '#libs/http/verdict.ts';
import { sampleNotifications } from './sample.ts';

export interface Asker {
  readonly client: EndpointClient;
  readonly method: 'POST' | 'GET';
  readonly may: VariablePolicy;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** One endpoint's answer to the request, and what a router makes of it. */
export interface Asked {
  readonly url: string;
  readonly answer: HttpAnswer;
  readonly reply: DecisionReply;
}

/** One notification, or a repeat of one, and what a notifier makes of the answer. */
export interface Told {
  readonly action: string;
  readonly repeated: boolean;
  readonly answer: HttpAnswer;
  readonly verdict: Verdict;
}

const call = (
  { client, method, now }: Asker,
  endpoint: CtiBridgeArguments,
  url: string,
  id: string,
  body: object,
) =>
  client.request({
    url,
    method,
    body: { ...body },
    headers: {},
    webhook: { id, time: now() },
    connectTimeoutMs: endpoint.connectTimeoutMs,
    responseTimeoutMs: endpoint.responseTimeoutMs,
  });

/** Asks as a router does. */
export async function ask(
  asker: Asker,
  endpoint: CtiBridgeArguments,
  url: string,
  request: EndpointRequest,
): Promise<Asked> {
  const answer = await call(asker, endpoint, url, requestId(request), request);
  return { url, answer, reply: replyOf(answer, asker.may) };
}

/** Tells of the call as a notifier does, and of its end once more under the same webhook-id. */
export async function tell(
  asker: Asker,
  endpoint: CtiBridgeArguments,
  request: EndpointRequest,
): Promise<Told[]> {
  const all = sampleNotifications(request);
  const told: Told[] = [];
  for (const notification of [...all, ...all.slice(-1)]) {
    const answer = await call(asker, endpoint, endpoint.url, notificationId(notification), notification);
    const repeated = told.length === all.length;
    told.push({ action: notification.action, repeated, answer, verdict: verdictOf(answer, asker.now()) });
  }
  return told;
}
