/**
 * Number masking (AXB): two parties call each other through a number of yours and see only that number.
 *
 * BINDINGS names a JSON file: [{"number": "95013", "a": "13800000001", "b": "13900000002", "expires": "2027-01-01T00:00:00Z",
 * "max_seconds": 600}]. The caller hears the sound `last-minute` of SOUNDS a minute before the end of `max_seconds`.
 * With `"record": true` the call is recorded (RECORDINGS of the agents), and both hear the sound `recorded`.
 * BILLS and RECORDED name files; one line of JSON is appended for each call, and for each recording.
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
  readonly max_seconds?: number;
  readonly record?: boolean;
}

const {
  BINDINGS = 'bindings.json',
  BILLS = 'bills.jsonl',
  RECORDED = 'recordings.jsonl',
  GATEWAY = 'gw',
  PORT,
  WEBHOOK_SECRETS = '',
} = process.env;

/** Reads the file for each call, so that changes take effect at once. In production: a table. */
const bindings = () => JSON.parse(readFileSync(BINDINGS, 'utf8')) as Binding[];

/** The binding of the caller. */
function bindingOf(call: EndpointRequest): Binding | undefined {
  const { destination_number: number, caller_id_number: caller } = call;
  return bindings().find(
    (one) =>
      one.number === number && (one.a === caller || one.b === caller) && Date.parse(one.expires) > Date.now(),
  );
}

const limitOf = ({ max_seconds: limit }: Binding): Pick<Decision, 'max_duration' | 'warn'> =>
  limit === undefined
    ? {}
    : { max_duration: limit, ...(limit > 60 ? { warn: { before: 60, play: 'last-minute' } } : {}) };

const recordingOf = ({ record }: Binding): Pick<Decision, 'record' | 'notify'> =>
  record === true ? { record: { announce: 'recorded' }, notify: ['recording', 'hangup'] } : {};

function decide(call: EndpointRequest): Decision {
  const binding = bindingOf(call);
  if (binding === undefined) return { dial: { type: 'hangup', cause: 'UNALLOCATED_NUMBER' } };
  const shown = call.destination_number;
  const other = binding.a === call.caller_id_number ? binding.b : binding.a;
  return {
    caller_id: { number: shown },
    callee_id: { number: shown },
    dial: { type: 'gateway', gateway: GATEWAY, number: other },
    ...limitOf(binding),
    ...recordingOf(binding),
  };
}

/** The ids in the file are those already billed, also after a restart. */
const lines = existsSync(BILLS) ? readFileSync(BILLS, 'utf8').split('\n').filter(Boolean) : [];
const billed = new Set(lines.map((line) => (JSON.parse(line) as { id: string }).id));

function bill(call: NotificationOf<'hangup'>, id: string): void {
  // `dialhook check --notify` sends the notifications of a call that never existed.
  if (call.node === 'dialhook-check' || billed.has(id)) return;
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

/** The file is complete now, on the host of FreeSWITCH: fetch it from there. */
function note({ uuid, name, complete }: NotificationOf<'recording'>, id: string): void {
  appendFileSync(RECORDED, `${JSON.stringify({ id, uuid, name, complete })}\n`);
}

const endpoint = createEndpoint({
  secrets: WEBHOOK_SECRETS.split(' '),
  request: decide,
  recording: note,
  hangup: bill,
});
createServer(nodeListener(endpoint)).listen(Number(PORT));
