/**
 * What `dialhook_result` may say: one word for each way in which the question "where does this call go?" can end.
 * Everything but `decided` and `defaulted` means that the dialplan goes on with its next line.
 */
export const RESULTS = {
  decided: 'the endpoint decided and the call goes where it said',
  invalid_arguments: 'the arguments in cti_bridge are wrong or there is no URL',
  refused_url: 'the URL is not one that this cluster may call',
  no_router: 'no router is running, or the agent has lost NATS',
  router_timeout: 'a router took the request and did not answer in time',
  overloaded: 'an agent or router had too many calls in hand',
  connect_timeout: 'no connection (TCP and TLS) within the connect timeout',
  connection_failed: 'the connection was refused, reset or unreachable, or the name does not resolve',
  tls_failed: "the endpoint's TLS certificate or handshake was not acceptable",
  response_timeout: 'connected, but the whole answer was not there within the response timeout',
  http_status: 'the endpoint answered with a status other than 2xx or 3xx',
  redirect_refused: 'the endpoint answered with a redirect, which is never followed',
  empty_body: 'the endpoint answered with nothing in the body',
  html_body: 'the endpoint answered with an HTML page',
  body_too_large: 'the answer was larger than the limit',
  invalid_json: 'the answer was not JSON',
  invalid_decision: 'the answer was JSON but not a decision, or it asked for something not allowed',
  user_not_registered: 'every target was a user that is not registered',
  caller_gone: 'the caller gave up while the endpoint was deciding',
  circuit_open: 'the endpoint has been failing and is given a rest of some seconds before it is asked again',
  defaulted: "nobody decided, and the agent's DEFAULT_DECISION was carried out",
  internal_error: 'a fault in Dialhook itself; the log says more',
} as const;

export type Result = keyof typeof RESULTS;
export type Failure = Exclude<Result, 'decided' | 'defaulted'>;

export const RESULT_NAMES = Object.keys(RESULTS) as [Result, ...Result[]];
