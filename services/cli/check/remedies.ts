import type { Failure } from '#libs/contract/results.ts';

/** The remedy for each failed result. */
const REMEDIES: Partial<Record<Failure, string>> = {
  invalid_arguments: 'correct the argument; the arguments are those of the channel variable cti_bridge',
  refused_url: 'the settings do not allow this URL: see ENDPOINT_* in docs/configuration.md',
  connect_timeout:
    'check address, port and firewall between this machine and the endpoint, or raise --connect-timeout',
  connection_failed:
    'start the endpoint, or correct host and port; the endpoint must listen on an address that this machine reaches',
  tls_failed:
    'send the complete certificate chain, valid for this host name; for a private certificate authority set ENDPOINT_CA_FILE',
  response_timeout:
    'decide from memory or a nearby database and do slow work afterwards: the caller hears silence until the answer. --response-timeout raises the limit',
  http_status:
    'answer a request with status 200 and a decision. 401: wrong or missing secret (--secret); 404: wrong path; 405: wrong method (--get)',
  redirect_refused: 'use the target URL of the redirect; check http or https and the trailing slash',
  empty_body: 'answer {"action": "request"} with a decision in JSON; see dialhook schema decision',
  html_body:
    'the answer is an HTML page: check whether a login or an error page of a proxy answers this path',
  body_too_large: 'a decision is a few hundred bytes long; send nothing else',
  invalid_json:
    'send one JSON object in UTF-8, or declare its charset, and nothing else: no trailing comma, no log output',
  invalid_decision:
    'correct the field named above; see dialhook schema decision and docs/contract.md#the-decision',
};

export const remedyOf = (result: Failure): string | undefined => REMEDIES[result];
