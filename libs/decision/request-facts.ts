import type { HttpAnswer } from '#libs/http/client.ts';
import { serverAttributes } from '#libs/http/wire-request.ts';
import type { CachedDecision } from './decision-cache.ts';

/** How a decision was requested, as fields of the log line about the call. */
export const factsOf = (url: string, answer: HttpAnswer | undefined, cached: CachedDecision | undefined) => ({
  endpoint: serverAttributes(url)['server.address'],
  status: answer?.ok ? answer.status : undefined,
  connect_ms: answer?.timing.connectMs,
  response_ms: answer?.timing.responseMs,
  cache: cached?.outcome,
  cache_age_ms: cached?.ageMs,
});
export type RequestFacts = ReturnType<typeof factsOf>;
