import type { Context } from '@opentelemetry/api';
import { Bus } from '#libs/bus/connection.ts';
import { DecisionClient } from '#libs/bus/decision-client.ts';
import { NO_TIMELINE } from '#libs/bus/timeline.ts';
import type { DecisionReply, DecisionRequest } from '#libs/contract/messages.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { readAgentConfig } from '#services/agent/config.ts';
import type { DecisionSource } from '#services/agent/decision-source.ts';
import { openEmbeddedRouter } from '#services/agent/embedded-router.ts';
import { readRouterConfig } from '#services/router/config.ts';
import { startRouter } from '#services/router/router.ts';
import { type LogLine, recordLog } from '#test/support/log.ts';
import { PATIENT_MS } from './client.ts';

/** A router as an agent sees it: in a service of its own behind NATS, or in the agent's process. */
export interface PlacedRouter extends AsyncDisposable {
  readonly source: DecisionSource;
  readonly lines: readonly LogLine[];
  parent(uuid: string): Context;
  request(request: DecisionRequest): Promise<DecisionReply>;
  /** Stops the process of the router. */
  stop(): Promise<void>;
}

export type Placement = 'separate' | 'embedded';

type Started = readonly [source: DecisionSource, ...processes: Lifecycle[]];

export async function placeRouter(
  placement: Placement,
  natsUrl: string,
  env: Readonly<Record<string, string>> = {},
): Promise<PlacedRouter> {
  const { log, lines } = recordLog();
  const lifecycle = new Lifecycle(log, PATIENT_MS);
  const embedded = (): Started => {
    const config = readAgentConfig({ EMBEDDED_ROUTER: 'on', ...env });
    const opened = openEmbeddedRouter(config, NO_TIMELINE, lifecycle, log);
    if (opened === undefined) throw new Error('no embedded router');
    return [opened.decisions, lifecycle];
  };
  const separate = async (): Promise<Started> => {
    const bus = await Bus.connect(natsUrl, 'router', lifecycle, log);
    startRouter(readRouterConfig(env), bus, lifecycle, log);
    await bus.nats.flush();
    const agent = new Lifecycle(log, PATIENT_MS);
    return [new DecisionClient(await Bus.connect(natsUrl, 'agent', agent, log)), lifecycle, agent];
  };
  const [source, ...processes] = await (placement === 'embedded' ? embedded() : separate());
  return {
    source,
    lines,
    parent: callContext,
    request: (request) => source.request(request, PATIENT_MS, callContext(request.request.uuid), () => {}),
    stop: () => lifecycle.stop(),
    [Symbol.asyncDispose]: async () => {
      for (const process of processes) await process.stop();
    },
  };
}
