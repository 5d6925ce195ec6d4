import type { AttributesOf } from '#libs/telemetry/catalogue.ts';
import { endpointOfMetrics, measureMs } from '#libs/telemetry/metrics.ts';
import type { EndpointAnswer, EndpointCall } from './call.ts';

type ErrorType = AttributesOf<'http.client.request.duration'>['error.type'];

/** Statuses by their class: an endpoint may answer with any number. */
export function errorType(answer: EndpointAnswer): ErrorType {
  if (!answer.ok) return answer.result;
  const { status } = answer;
  if (status >= 200 && status < 300) return undefined;
  return status >= 300 && status < 600
    ? (`${Math.floor(status / 100)}xx` as '3xx' | '4xx' | '5xx')
    : '_OTHER';
}

/** The answer of a call, measured. What was never tried takes no time and is no phase. */
export async function measured(
  call: EndpointCall,
  answered: Promise<EndpointAnswer>,
): Promise<EndpointAnswer> {
  const answer = await answered;
  const { connectMs, responseMs, reused } = answer.timing;
  const endpoint = { 'dialhook.endpoint': endpointOfMetrics(call.url) };
  const error = errorType(answer);
  measureMs('http.client.request.duration', connectMs + responseMs, {
    ...endpoint,
    'http.request.method': call.method,
    ...(error === undefined ? {} : { 'error.type': error }),
  });
  const asked = answer.ok || responseMs > 0;
  if (!reused && (asked || connectMs > 0))
    measureMs('dialhook.endpoint.phase.duration', connectMs, { ...endpoint, 'dialhook.phase': 'connect' });
  if (asked)
    measureMs('dialhook.endpoint.phase.duration', responseMs, { ...endpoint, 'dialhook.phase': 'response' });
  return answer;
}
