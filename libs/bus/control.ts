import { NoRespondersError, RequestError, TimeoutError } from '@nats-io/transport-node';
import { ControlReply, ControlRequest } from '#libs/contract/control.ts';
import { BUS } from '#libs/contract/messages.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { Bus } from './connection.ts';
import { readMessage } from './message.ts';
import { subjectToken } from './subject.ts';

const TIMEOUT_MS = 5_000;
/** One of a node's agents does what is asked. */
const QUEUE_GROUP = 'agents';

const subjectOf = (node: string): string => `${BUS.control}.${subjectToken(node)}`;

/** Nobody has done what was asked, or nobody knows whether it was done. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly unknown: boolean;

  constructor(message: string, unknown: boolean) {
    super(message);
    this.unknown = unknown;
  }
}

const hasNoResponders = (error: unknown): boolean =>
  error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders());

/** Asks an agent of the call's node. @throws {ControlError} */
export async function requestControl(bus: Bus, node: string, request: ControlRequest): Promise<ControlReply> {
  if (!bus.connected) throw new ControlError('not connected to NATS', false);
  try {
    const reply = await bus.nats.request(subjectOf(node), JSON.stringify(request), { timeout: TIMEOUT_MS });
    return readMessage(ControlReply, subjectOf(node), reply.data);
  } catch (error) {
    if (hasNoResponders(error))
      throw new ControlError(`no agent of ${node} takes such orders: is CALL_CONTROL on there?`, false);
    if (error instanceof TimeoutError)
      throw new ControlError(`no agent of ${node} answered within ${TIMEOUT_MS / 1000} s`, true);
    throw new ControlError((error as Error).message, true);
  }
}

/** Takes orders for the calls of a node as one of its agents. Returns what ends it. */
export function serveControl(
  bus: Bus,
  node: string,
  log: Log,
  carryOut: (request: ControlRequest) => Promise<ControlReply>,
): () => Promise<void> {
  const subscription = bus.nats.subscribe(subjectOf(node), {
    queue: QUEUE_GROUP,
    callback: (error, message) => {
      if (error) return log.error('nats.subscription_failed', { err: error });
      const work = async () => carryOut(readMessage(ControlRequest, message.subject, message.data));
      void work()
        .catch((fault: Error): ControlReply => ({ v: 1, ok: false, error: fault.message }))
        .then((reply) => {
          if (!bus.nats.isClosed()) message.respond(JSON.stringify(reply));
        });
    },
  });
  return () => subscription.drain().catch(() => {});
}
