import type { Failure } from '#libs/contract/results.ts';

/** What to do about each way in which an endpoint can fail to decide. */
const REMEDIES: Partial<Record<Failure, string>> = {
  invalid_arguments: 'correct the argument; they are those of the channel variable cti_bridge',
  refused_url: 'the cluster would not call this URL either: see ENDPOINT_* in docs/configuration.md',
  connect_timeout:
    'let the endpoint be reached from here: its address, its port, a firewall; or give more time with --connect-timeout',
  connection_failed:
    'start the endpoint, or correct host and port; it has to listen where this machine comes in',
  tls_failed:
    'let the endpoint send its whole certificate chain, valid for this name; trust an authority of your own with ENDPOINT_CA_FILE',
  response_timeout:
    'answer from memory or a near database, before anything slow is done; a caller hears nothing meanwhile. --response-timeout gives more time',
  http_status:
    'answer a request with 200 and a decision. 401 is a wrong or missing secret (--secret); 404 a wrong path; 405 the wrong method (--get)',
  redirect_refused: 'use the URL that the redirect leads to; mind http or https and the slash at the end',
  empty_body: 'answer {"action": "request"} with a decision in JSON: dialhook schema decision',
  html_body:
    'this is a page for a browser: let this path answer JSON; a login or an error page may stand in front of it',
  body_too_large: 'a decision is some hundred bytes long: send nothing else',
  invalid_json:
    'send one JSON object in UTF-8 and nothing before or behind it: no BOM, no trailing comma, no log output',
  invalid_decision:
    'correct the field named above: dialhook schema decision, and docs/contract.md#the-decision',
};

export const remedyOf = (result: Failure): string | undefined => REMEDIES[result];
