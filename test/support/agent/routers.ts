import { connect, type Msg } from '@nats-io/transport-node';
import { Decision } from '#libs/contract/decision.ts';
import { Abandon, BUS, type DecisionReply, DecisionRequest } from '#libs/contract/messages.ts';
import { planOf } from '#libs/dialplan/plan.ts';

/** The reply of a scripted router; undefined sends none. */
type Answer = DecisionReply | string | undefined;
export type Script = (request: DecisionRequest) => Answer | Promise<Answer>;

export const decided = (answer: unknown): DecisionReply => ({
  v: 1,
  result: 'decided',
  plan: planOf(Decision.parse(answer)),
});

export interface Routers {
  readonly requests: DecisionRequest[];
  readonly abandoned: string[];
  script: Script;
  stop(): Promise<void>;
}

/** Replaces the routers on a real NATS. */
export async function scriptRouters(natsUrl: string): Promise<Routers> {
  const nats = await connect({ servers: natsUrl });
  const routers: Routers = {
    requests: [],
    abandoned: [],
    script: () => undefined,
    stop: async () => {
      if (!nats.isClosed()) await nats.drain();
    },
  };
  const answer = async (message: Msg) => {
    const request = DecisionRequest.parse(message.json());
    routers.requests.push(request);
    const reply = await routers.script(request);
    if (reply !== undefined) message.respond(typeof reply === 'string' ? reply : JSON.stringify(reply));
  };
  nats.subscribe(BUS.decide, { queue: BUS.routers, callback: (_, message) => void answer(message) });
  nats.subscribe(BUS.abandon, {
    callback: (_, message) => {
      routers.abandoned.push(Abandon.parse(message.json()).uuid);
    },
  });
  await nats.flush();
  return routers;
}
