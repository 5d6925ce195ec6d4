import type { AttributesOf } from '#libs/telemetry/catalogue.ts';
import { endpointOfMetrics, measureMs } from '#libs/telemetry/metrics.ts';
import type { HttpAnswer, HttpRequest } from './types.ts';

type ErrorType = AttributesOf<'http.client.request.duration'>['error.type'];

/** Groups statuses by class, because an endpoint may answer with any number. */
export function errorType(answer: HttpAnswer): ErrorType {
  if (!answer.ok) return answer.result;
  const { status } = answer;
  if (status >= 200 && status < 300) return undefined;
  return status >= 300 && status < 600
    ? (`${Math.floor(status / 100)}xx` as '3xx' | '4xx' | '5xx')
    : '_OTHER';
}

/** Measures a request once its answer is there, and returns the answer. */
export async function measured(call: HttpRequest, answered: Promise<HttpAnswer>): Promise<HttpAnswer> {
  const answer = await answered;
  const { connectMs, responseMs, phases } = answer.timing;
  const endpoint = { 'dialhook.endpoint': endpointOfMetrics(call.url) };
  const error = errorType(answer);
  measureMs('http.client.request.duration', connectMs + responseMs, {
    ...endpoint,
    'http.request.method': call.method,
    ...(error === undefined ? {} : { 'error.type': error }),
  });
  for (const { name, start, end } of phases)
    measureMs('dialhook.endpoint.phase.duration', end - start, { ...endpoint, 'dialhook.phase': name });
  return answer;
}
