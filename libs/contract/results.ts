/**
 * The values of `dialhook_result`: how a request for a decision ended. The dialplan continues after every result except
 * `decided` and `defaulted`, and `caller_gone`, after which there is no call.
 */
export const RESULTS = {
  decided: 'the endpoint decided, and its decision was carried out',
  invalid_arguments: 'the arguments in cti_bridge are invalid, or there is no URL',
  refused_url: 'the address rules of the router do not allow the URL',
  no_router: 'no router is running, or the agent is not connected to NATS',
  router_timeout: 'no router accepted the request, or the router that did has not replied in time',
  overloaded: 'the agent or the router had too many calls in flight',
  connect_timeout: 'no connection (TCP and TLS) within the connect timeout',
  connection_failed:
    'the connection was refused or reset, the host is unreachable or does not resolve, or the answer is not valid HTTP',
  tls_failed: 'the TLS handshake with the endpoint failed, or its certificate is not trusted',
  response_timeout: 'the answer was not complete within the response timeout',
  http_status: 'the endpoint answered with a status other than 2xx or 3xx',
  redirect_refused: 'the endpoint answered with a redirect; Dialhook never follows one',
  empty_body: 'the answer had an empty body',
  html_body: 'the answer was an HTML page',
  body_too_large: 'the answer was larger than MAX_BODY_BYTES, as sent or decompressed',
  invalid_json: 'the answer was not JSON, or not valid in its charset or compression',
  invalid_decision:
    'the answer was JSON but not a valid decision, or it contained something that is not allowed',
  user_not_registered: 'every target was a user without a registered device',
  too_many_requests: 'MAX_REQUESTS_PER_CALL requests about this call have been made',
  repeated_uuid: 'a live call of this FreeSWITCH has the same uuid: the caller has repeated its Call-ID',
  caller_gone: 'the caller hung up before the decision was carried out',
  circuit_open:
    'the endpoint failed repeatedly; no requests are sent to it for a few seconds (BREAKER_OPEN_MS)',
  defaulted: 'no endpoint decided, and DEFAULT_DECISION of the agent was carried out',
  internal_error: 'an error in Dialhook itself; its log has the details',
} as const;

export type Result = keyof typeof RESULTS;
export type Failure = Exclude<Result, 'decided' | 'defaulted'>;

export const RESULT_NAMES = Object.keys(RESULTS) as [Result, ...Result[]];
