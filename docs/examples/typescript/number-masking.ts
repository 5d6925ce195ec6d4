/**
 * Number masking: two parties call each other through a number of yours and see only that number.
 *
 * BINDINGS names a JSON file: [{"number": "95013", "a": "13800000001", "b": "13900000002", "expires": "2027-01-01T00:00:00Z"}]
 * BILLS names a file; one line of JSON is appended for each call.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
// With the npm package: from 'dialhook-endpoint'.
import {
  createEndpoint,
  type Decision,
  type EndpointRequest,
  type NotificationOf,
  nodeListener,
} from '../../../libs/endpoint/endpoint.ts';

interface Binding {
  readonly number: string;
  readonly a: string;
  readonly b: string;
  readonly expires: string;
}

const {
  BINDINGS = 'bindings.json',
  BILLS = 'bills.jsonl',
  GATEWAY = 'gw',
  PORT,
  WEBHOOK_SECRETS = '',
} = process.env;

/** Reads the file for each call, so that changes take effect at once. In production: a table. */
const bindings = () => JSON.parse(readFileSync(BINDINGS, 'utf8')) as Binding[];

/** Returns the other party of the caller's binding. */
function otherParty(call: EndpointRequest): string | undefined {
  const { destination_number: number, caller_id_number: caller } = call;
  const binding = bindings().find(
    (one) =>
      one.number === number && (one.a === caller || one.b === caller) && Date.parse(one.expires) > Date.now(),
  );
  return binding?.a === caller ? binding.b : binding?.a;
}

function decide(call: EndpointRequest): Decision {
  const other = otherParty(call);
  if (other === undefined) return { dial: { type: 'hangup', cause: 'UNALLOCATED_NUMBER' } };
  const shown = call.destination_number;
  return {
    caller_id: { number: shown },
    callee_id: { number: shown },
    dial: { type: 'gateway', gateway: GATEWAY, number: other },
  };
}

/** The ids in the file are those already billed, also after a restart. */
const lines = existsSync(BILLS) ? readFileSync(BILLS, 'utf8').split('\n').filter(Boolean) : [];
const billed = new Set(lines.map((line) => (JSON.parse(line) as { id: string }).id));

function bill(call: NotificationOf<'hangup'>, id: string): void {
  if (billed.has(id)) return;
  // The billable time of a synthesized hangup is not known: null, to be settled by hand.
  const seconds = call.recovered ? null : Math.ceil(call.billable_ms / 1000);
  const line = {
    id,
    uuid: call.uuid,
    caller: call.caller_id_number,
    number: call.destination_number,
    seconds,
  };
  appendFileSync(BILLS, `${JSON.stringify(line)}\n`);
  billed.add(id);
}

const endpoint = createEndpoint({ secrets: WEBHOOK_SECRETS.split(' '), request: decide, hangup: bill });
createServer(nodeListener(endpoint)).listen(Number(PORT));
