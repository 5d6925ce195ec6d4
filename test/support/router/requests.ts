import type { Work } from '#libs/bus/decisions.ts';
import type { DecisionRequest } from '#libs/contract/messages.ts';
import { PATIENT_MS } from './client.ts';

export const UUID = '0b8d9a0e-5f3c-4c55-9d2f-6a1d3f0e7b42';
export const HANGUP = '{"dial":{"type":"hangup","cause":17}}';

/** A request as an agent sends it, for which the caller waits long. */
export const decisionRequest = (url: string, uuid = UUID): DecisionRequest => ({
  v: 1,
  url,
  connect_timeout_ms: PATIENT_MS,
  response_timeout_ms: PATIENT_MS,
  request: {
    action: 'request',
    reason: 'new',
    uuid,
    node: 'fs1',
    time: '2026-11-23T22:00:00.000Z',
    caller_id_number: '100',
    caller_id_name: 'Alice',
    destination_number: '200',
    caller_id_withheld: false,
    asserted_number: '',
    context: 'default',
    network_addr: '10.0.0.1',
    sip_call_id: 'id@host',
    attempt: 1,
    tried: [],
    variables: { domain_name: 'example.org' },
  },
});

/** What a router knows of a request whose agent keeps waiting. */
export const WORK: Work = { signal: new AbortController().signal, accept: async () => {} };
