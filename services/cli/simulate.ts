import { setTimeout as sleep } from 'node:timers/promises';
import { type CtiBridgeArguments, DEFAULT_TIMEOUT_MS, parseArguments } from '#libs/contract/arguments.ts';
import { jsonLine } from '#libs/json/json-line.ts';
import type { CallRecord } from '#libs/simulator/call-record.ts';
import { ANSWERS, BUSY, placeCall } from '#libs/simulator/dialplan-call.ts';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { type Command, EXIT, type Given, UsageError } from './command.ts';
import { type Cell, table } from './table.ts';
import { readCount } from './values.ts';

const HOSTS = /^[\w.:|[\]-]+:\d{1,5}$/;
/** Contact address of a simulated user, from the range reserved for documentation. */
const DEVICE_HOST = '192.0.2.1:5060';
const DOMAIN = 'simulated.example';

/**
 * Notifications are always disabled: the agent's own FreeSWITCH does not know these calls, so the agent would synthesize
 * a hangup for each.
 */
function endpointOf({ options: { url } }: Given): CtiBridgeArguments {
  if (url === undefined) throw new UsageError('simulate needs --url URL');
  const parsed = parseArguments(`${url} ${DEFAULT_TIMEOUT_MS} ${DEFAULT_TIMEOUT_MS} 0`);
  if (!parsed.ok) throw new UsageError(parsed.error);
  return parsed.endpoint;
}

function agentsOf({ options: { agent } }: Given): string {
  if (agent === undefined || !HOSTS.test(agent))
    throw new UsageError(
      'simulate needs --agent HOST:PORT, the address where an agent accepts the socket application (SOCKET_PORT)',
    );
  return agent;
}

const text = (record: CallRecord, name: string): string => String(record.variables[name] ?? '');

/** The outcome of one call, as printed by --json. */
const outcomeOf = (destination: string, record: CallRecord) => ({
  uuid: record.uuid,
  destination,
  result: text(record, 'dialhook_result') || 'no_agent',
  error: text(record, 'dialhook_error') || undefined,
  legs: record.invites.map(({ number, host, gateway, profile, callerNumber }) => ({
    number,
    ...(gateway === undefined ? { profile, host } : { gateway }),
    caller_id_number: callerNumber,
  })),
  status: record.status,
  cause: record.cause,
});
type Outcome = ReturnType<typeof outcomeOf>;

const legText = ({ number, gateway, profile, host }: Record<string, string>): string =>
  gateway === undefined ? `${profile}/${number}@${host}` : `gateway/${gateway}/${number}`;

const targetOf = ({ legs, error, cause, status }: Outcome): string =>
  legs.length > 0 ? legs.map(legText).join(' | ') : (error ?? `${cause}, SIP ${status}`);

const rowOf = (outcome: Outcome): Cell[] => [
  outcome.destination,
  [outcome.result === 'decided' ? 'green' : 'red', outcome.result],
  outcome.legs[0]?.caller_id_number ?? '',
  targetOf(outcome),
  outcome.uuid,
];

export const simulate: Command = {
  name: 'simulate',
  help: 'place simulated calls through a running agent and print their targets; no phone rings',
  options: {
    agent: {
      value: 'HOST:PORT',
      help: 'address where an agent accepts the socket application; several addresses separated by |',
    },
    url: { value: 'URL', help: 'endpoint URL, as in cti_bridge' },
    calls: { value: 'N', help: 'number of calls (default 1); the dialled number is incremented for each' },
    rate: { value: 'N', help: 'calls per second (default 10)' },
    caller: { value: 'NUMBER', help: 'caller number (default 1001)' },
    name: { value: 'NAME', help: 'caller name' },
    destination: { value: 'NUMBER', help: 'dialled number of the first call (default 1000)' },
    registered: {
      value: 'USER',
      many: true,
      help: 'user with a registered device, for targets of type user',
    },
    busy: { help: 'every called leg is busy, so that every target is tried' },
    json: { help: 'print JSON' },
  },
  fails: 'a call got no decision',
  run: async (given, terminal) => {
    const { options, lists, flags } = given;
    if (given.arguments.length > 0) throw new UsageError('simulate takes options only');
    const [endpoint, socket] = [endpointOf(given), agentsOf(given)];
    const [calls, rate] = [readCount(options['calls'] ?? '1'), readCount(options['rate'] ?? '10')];
    const first = options['destination'] ?? '1000';
    const freeswitch = await SimulatedFreeSwitch.start({
      name: 'dialhook-simulate',
      domain: DOMAIN,
      everyGateway: true,
    });
    for (const user of lists['registered'] ?? [])
      freeswitch.registerUser(user, [`sip:${user}@${DEVICE_HOST}`]);
    const placed: Promise<Outcome>[] = [];
    try {
      while (placed.length < calls && !terminal.stop.aborted) {
        const destination = numberAfter(first, placed.length);
        const call = placeCall(freeswitch, {
          caller: { number: options['caller'] ?? '1001', name: options['name'] ?? 'dialhook simulate' },
          destination,
          endpoint,
          socket,
          variables: { domain_name: DOMAIN },
          callee: flags.has('busy') ? BUSY : ANSWERS,
        });
        placed.push(call.ended.then((record) => outcomeOf(destination, record)));
        if (placed.length < calls)
          await sleep(1000 / rate, undefined, { signal: terminal.stop }).catch(() => {});
      }
      const outcomes = await Promise.all(placed);
      if (flags.has('json')) terminal.out(jsonLine(outcomes));
      else
        terminal.out(
          table(['DIALLED', 'RESULT', 'CALLER', 'TARGET', 'CALL'], outcomes.map(rowOf), terminal.paint),
        );
      return outcomes.every(({ result }) => result === 'decided') ? EXIT.ok : EXIT.failed;
    } finally {
      await freeswitch.stop();
    }
  },
};

/** Adds `count` to a number and keeps its length; other text is returned unchanged. */
function numberAfter(first: string, count: number): string {
  if (!/^\d{1,15}$/.test(first)) return first;
  return String(Number(first) + count).padStart(first.length, '0');
}
