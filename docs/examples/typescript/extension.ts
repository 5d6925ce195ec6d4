/**
 * Extension numbers (AXE): everybody with a parcel label calls one number of yours, types the extension of the label, and
 * reaches its party. Neither sees the other's number.
 *
 * EXTENSIONS names a JSON file: [{"number": "95013", "extension": "8001", "party": "13800000001",
 * "expires": "2027-01-01T00:00:00Z"}]. SOUNDS of the agents has enter-extension, wrong-extension, no-extension and
 * last-minute. A call lasts at most MAX_SECONDS.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
// With the npm package: from 'dialhook-endpoint'.
import {
  createEndpoint,
  type Decision,
  type EndpointRequest,
  nodeListener,
} from '../../../libs/endpoint/endpoint.ts';

interface Extension {
  readonly number: string;
  readonly extension: string;
  readonly party: string;
  readonly expires: string;
}

const { EXTENSIONS = 'extensions.json', GATEWAY = 'gw', MAX_SECONDS = '600' } = process.env;
const { PORT, WEBHOOK_SECRETS = '' } = process.env;
const MAX_TRIES = 3;

/** Reads the file for each call, so that changes take effect at once. In production: a table. */
const extensionsOf = (number: string): readonly Extension[] =>
  (JSON.parse(readFileSync(EXTENSIONS, 'utf8')) as Extension[]).filter(
    (one) => one.number === number && Date.parse(one.expires) > Date.now(),
  );

const refuse = (play: string): Decision => ({ dial: { type: 'hangup', cause: 'UNALLOCATED_NUMBER', play } });

function connect(call: EndpointRequest, { party }: Extension): Decision {
  const shown = call.destination_number;
  return {
    caller_id: { number: shown },
    callee_id: { number: shown },
    dial: { type: 'gateway', gateway: GATEWAY, number: party },
    max_duration: Number(MAX_SECONDS),
    warn: { before: Math.min(60, Number(MAX_SECONDS) - 1), play: 'last-minute' },
  };
}

/** The caller gets three tries. `attempt` counts the requests: the first one asks for the digits. */
function decide(call: EndpointRequest): Decision | undefined {
  const known = extensionsOf(call.destination_number);
  if (known.length === 0) return refuse('no-extension');
  const max = Math.max(...known.map(({ extension }) => extension.length));
  if (call.reason === 'new') return { collect: { play: 'enter-extension', max } };
  if (call.reason !== 'digits') return undefined;
  const found = known.find(({ extension }) => extension === call.digits);
  if (found) return connect(call, found);
  return call.attempt > MAX_TRIES ? refuse('no-extension') : { collect: { play: 'wrong-extension', max } };
}

const endpoint = createEndpoint({ secrets: WEBHOOK_SECRETS.split(' '), request: decide });
createServer(nodeListener(endpoint)).listen(Number(PORT));
