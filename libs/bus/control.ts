import { NoRespondersError, RequestError, TimeoutError } from '@nats-io/transport-node';
import { ControlReply, ControlRequest } from '#libs/contract/control.ts';
import { BUS } from '#libs/contract/messages.ts';
import type { SetAside } from '#libs/isolation/set-aside.ts';
import { inBackground } from '#libs/lifecycle/background.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { Bus } from './connection.ts';
import { callIn, readInstruction, readMessage } from './message.ts';
import { subjectToken } from './subject.ts';

const TIMEOUT_MS = 5_000;
/** One agent of the node receives each request. */
const QUEUE_GROUP = 'agents';

const subjectOf = (node: string): string => `${BUS.control}.${subjectToken(node)}`;

/** A request to an agent failed. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  /** The agent may have carried the request out. */
  readonly outcomeUnknown: boolean;

  constructor(message: string, outcomeUnknown: boolean) {
    super(message);
    this.outcomeUnknown = outcomeUnknown;
  }
}

const hasNoResponders = (error: unknown): boolean =>
  error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders());

/** Sends a request to an agent of the call's node. @throws {ControlError} */
export async function requestControl(bus: Bus, node: string, request: ControlRequest): Promise<ControlReply> {
  if (!bus.connected) throw new ControlError('not connected to NATS', false);
  try {
    const reply = await bus.nats.request(subjectOf(node), JSON.stringify(request), { timeout: TIMEOUT_MS });
    return readMessage(ControlReply, subjectOf(node), reply.data);
  } catch (error) {
    if (hasNoResponders(error))
      throw new ControlError(`no agent of ${node} accepts call control: set CALL_CONTROL to on there`, false);
    if (error instanceof TimeoutError)
      throw new ControlError(`no agent of ${node} answered within ${TIMEOUT_MS / 1000} s`, true);
    throw new ControlError((error as Error).message, true);
  }
}

/**
 * Serves control requests as one of the node's agents. One that is invalid is answered with the error and set aside. The
 * returned function stops serving.
 */
export function serveControl(
  bus: Bus,
  node: string,
  log: Log,
  aside: SetAside,
  carryOut: (request: ControlRequest) => Promise<ControlReply>,
): () => Promise<void> {
  const subscription = bus.nats.subscribe(subjectOf(node), {
    queue: QUEUE_GROUP,
    callback: (error, message) => {
      if (error) return log.error('nats.subscription_failed', { err: error });
      const work = async () => carryOut(readInstruction(ControlRequest, message.subject, message.data));
      const replied = work()
        .catch((fault: Error): ControlReply => {
          aside.add('nats_message', fault, { subject: message.subject, ...callIn(message.data) });
          return { v: 1, ok: false, error: fault.message };
        })
        .then((reply) => {
          if (!bus.nats.isClosed()) message.respond(JSON.stringify(reply));
        });
      inBackground(log, 'reply to a control request', replied);
    },
  });
  return () => subscription.drain().catch(() => {});
}
