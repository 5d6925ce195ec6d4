/**
 * Routes inbound calls to the agents of a queue. The agent that has been free longest is called first.
 * The next one is called if it is busy or does not answer, and with `next_after_seconds` that long after the one before,
 * which still rings. With `confirm` an agent accepts a call with the key 1, so that no voicemail does; SOUNDS of the
 * Dialhook agents has press-1.
 *
 * CENTRE names a JSON file: {"4001": {"agents": ["1001", "1002"], "ring_seconds": 20, "next_after_seconds": 10,
 * "confirm": true, "zone": "Asia/Shanghai", "days": ["Mon", "Tue", "Wed", "Thu", "Fri"], "from": "09:00", "to": "18:00"}}
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
// With the npm package: from 'dialhook-endpoint'.
import {
  createEndpoint,
  type Decision,
  type EndpointRequest,
  type NotificationOf,
  nodeListener,
} from '../../../libs/endpoint/endpoint.ts';

interface Queue {
  readonly agents: readonly string[];
  readonly ring_seconds: number;
  readonly next_after_seconds?: number;
  readonly confirm?: boolean;
  readonly zone: string;
  readonly days: readonly string[];
  readonly from: string;
  readonly to: string;
}

const { CENTRE = 'centre.json', PORT, WEBHOOK_SECRETS = '' } = process.env;
const queues = () => JSON.parse(readFileSync(CENTRE, 'utf8')) as Record<string, Queue | undefined>;

/** The current call of each agent, and the time its last call ended. In production: shared by all your processes. */
const calls = new Map<string, string>();
const freeSince = new Map<string, number>();

/** Opening hours whose start is after their end span midnight; 24:00 is the end of the day. */
function isOpen({ zone, days, from, to }: Queue, now: Date): boolean {
  const format = {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  } as const;
  const parts = new Intl.DateTimeFormat('en-GB', format).formatToParts(now);
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? '';
  const time = `${part('hour')}:${part('minute')}`;
  const inHours = from <= to ? from <= time && time < to : from <= time || time < to;
  return days.includes(part('weekday')) && inHours;
}

function decide(call: EndpointRequest): Decision | undefined {
  const queue = queues()[call.destination_number];
  if (!queue) return undefined;
  if (!isOpen(queue, new Date())) return { dial: { type: 'hangup', sipcode: 480 } };
  const tried = new Set(call.tried.map(({ number }) => number));
  const free = queue.agents
    .filter((agent) => !calls.has(agent) && !tried.has(agent))
    .sort((one, other) => (freeSince.get(one) ?? 0) - (freeSince.get(other) ?? 0));
  if (free.length === 0) return { dial: { type: 'hangup', cause: 17 } };
  const { ring_seconds: timeout, next_after_seconds: gap } = queue;
  return {
    dial: free.slice(0, 16).map((agent, index) => ({
      type: 'user',
      user: agent,
      number: agent,
      timeout,
      ...(gap === undefined ? {} : { delay: index * gap }),
    })),
    strategy: gap === undefined ? 'sequential' : 'simultaneous',
    on_fail: 'request',
    ...(queue.confirm ? { confirm: { play: 'press-1', key: '1' } } : {}),
  };
}

function release(uuid: string): void {
  for (const [agent, call] of calls) if (call === uuid) calls.delete(agent);
}

function has({ uuid, called_number }: NotificationOf<'ring' | 'answer'>): void {
  release(uuid);
  calls.set(called_number, uuid);
}

function ended({ uuid }: NotificationOf<'hangup'>): void {
  for (const [agent, call] of calls) if (call === uuid) freeSince.set(agent, Date.now());
  release(uuid);
}

const endpoint = createEndpoint({
  secrets: WEBHOOK_SECRETS.split(' '),
  request: decide,
  ring: has,
  answer: has,
  hangup: ended,
});
createServer(nodeListener(endpoint)).listen(Number(PORT));
