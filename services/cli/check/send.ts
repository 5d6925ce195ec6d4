import type { CtiBridgeArguments } from '#libs/contract/arguments.ts';
import { ownKeys } from '#libs/contract/decision-keys.ts';
import {
  type EndpointRequest,
  type Notification,
  notificationId,
  requestId,
} from '#libs/contract/endpoint.ts';
import type { DecisionReply } from '#libs/contract/messages.ts';
import type { VariablePolicy } from '#libs/contract/refused-variables.ts';
import { replyOf } from '#libs/dialplan/answer.ts';
import type { EndpointClient, HttpAnswer } from '#libs/http/client.ts';
import { type Verdict, verdictOf } from '#libs/http/verdict.ts';
import { sampleNotifications } from './sample.ts';
import { type ShownNumbers, shownNumbers } from './shown.ts';

export interface CheckClient {
  readonly client: EndpointClient;
  readonly method: 'POST' | 'GET';
  readonly may: VariablePolicy;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** The answer to the request, and the reply that a router would make of it. */
export interface RequestResult {
  readonly url: string;
  readonly answer: HttpAnswer;
  readonly reply: DecisionReply;
  /** Keys of the decision that are ignored, because they are not fields. */
  readonly ignored: readonly string[];
  /** Undefined without a decision, and for one that dials no target. */
  readonly shown: ShownNumbers | undefined;
}

/** The answer to one notification or to its repetition, and the outcome that a notifier would record. */
export interface NotificationResult {
  readonly action: string;
  readonly repeated: boolean;
  readonly answer: HttpAnswer;
  readonly verdict: Verdict;
}

const send = (
  { client, method, now }: CheckClient,
  endpoint: CtiBridgeArguments,
  url: string,
  id: string,
  body: EndpointRequest | Notification,
) =>
  client.request({
    url,
    method,
    body: { ...body },
    headers: {},
    ignoreBody: body.action !== 'request',
    webhook: { id, time: now() },
    connectTimeoutMs: endpoint.connectTimeoutMs,
    responseTimeoutMs: endpoint.responseTimeoutMs,
  });

/** Sends the request as a router does. */
export async function sendRequest(
  check: CheckClient,
  endpoint: CtiBridgeArguments,
  url: string,
  request: EndpointRequest,
): Promise<RequestResult> {
  const answer = await send(check, endpoint, url, requestId(request), request);
  const reply = replyOf(answer, check.may, (one) => check.client.urlRefusal(one));
  const isDecided = reply.result === 'decided';
  return {
    url,
    answer,
    reply,
    ignored: isDecided && answer.ok ? ownKeys(JSON.parse(answer.body.trim())) : [],
    shown: isDecided ? shownNumbers(reply.plan, request) : undefined,
  };
}

/** Sends the notifications as a notifier does, and the hangup twice with the same webhook-id. */
export async function sendNotifications(
  check: CheckClient,
  endpoint: CtiBridgeArguments,
  request: EndpointRequest,
): Promise<NotificationResult[]> {
  const all = sampleNotifications(request);
  const results: NotificationResult[] = [];
  for (const notification of [...all, ...all.slice(-1)]) {
    const answer = await send(check, endpoint, endpoint.url, notificationId(notification), notification);
    const repeated = results.length === all.length;
    results.push({ action: notification.action, repeated, answer, verdict: verdictOf(answer, check.now()) });
  }
  return results;
}
