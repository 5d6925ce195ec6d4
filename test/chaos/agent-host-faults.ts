import { type AgentHost, agentHost, dropPackets, setLink } from './agent-host.ts';
import type { ChaosCluster } from './cluster.ts';
import type { Fault } from './fault.ts';
import { pause } from './fault-actions.ts';
import { ON_AGENT_HOST } from './settings.ts';

/** One silent host costs a new call 7 s, and a call that waits for its decision 15.5 s (docs/architecture.md). */
const SILENT_SOCKET_MS = 20_000;
const ONE_WAY_MS = 15;

const onHost =
  (begin: (host: AgentHost) => void, end: (host: AgentHost) => void) =>
  async (_: ChaosCluster, seconds: number): Promise<void> => {
    const host = agentHost();
    if (!host) throw new Error('this process does not run in the namespace of the FreeSWITCH host');
    begin(host);
    await pause(seconds);
    end(host);
  };

async function impairAgent(cluster: ChaosCluster, seconds: number): Promise<void> {
  const links = ['agent-nats', 'agent-freeswitch', 'freeswitch-agent'] as const;
  const proxies = links.flatMap((link) => cluster.proxies(link, ON_AGENT_HOST));
  for (const proxy of proxies) proxy.impair({ delayMs: ONE_WAY_MS });
  await pause(seconds);
  for (const proxy of proxies) proxy.heal();
}

/** Faults of an agent that does not run on its FreeSWITCH host; the node's other agent does. */
export const AGENT_HOST_FAULTS: readonly Fault[] = [
  {
    name: 'agent-host-silent',
    does: 'the host of one of two agents, in a network namespace of its own, drops all packets',
    ends: 'it drops none',
    cluster: { agentHost: true },
    seconds: [40, 5],
    allowed: { socketMs: SILENT_SOCKET_MS },
    inject: onHost(
      (host) => dropPackets(host, true),
      (host) => dropPackets(host, false),
    ),
  },
  {
    name: 'agent-host-cut',
    does: 'the network cable of the host of one of two agents is pulled',
    ends: 'it is plugged in',
    cluster: { agentHost: true },
    seconds: [10, 3],
    allowed: { socketMs: SILENT_SOCKET_MS },
    inject: onHost(
      (host) => setLink(host, false),
      (host) => setLink(host, true),
    ),
  },
  {
    name: 'agent-host-far',
    does: 'one of two agents is 30 ms away from FreeSWITCH and NATS',
    ends: 'it is on the same host',
    cluster: { links: ['agent-nats', 'agent-freeswitch', 'freeswitch-agent'] },
    seconds: [15, 3],
    allowed: {},
    inject: impairAgent,
  },
];
