import { error, type Finding, ok, warning } from './finding.ts';

/** A host of the application `socket`. */
export interface SocketHost {
  readonly address: string;
  /** Whether it is this host. */
  readonly isLocal: boolean;
  readonly connectError?: string;
}

export interface HostFacts {
  /** Whether FREESWITCH_HOST is this host. */
  readonly besideFreeSwitch: boolean;
  readonly sockets: readonly SocketHost[];
  /** net.ipv4 settings of this host; undefined where the kernel has none. */
  readonly synRetries: number | undefined;
  readonly keepaliveTime: number | undefined;
}

/** Wait of `socket` for one silent host, in s, as measured for 1 to 6 (docs/architecture.md). */
const silentSeconds = (synRetries: number): number => 2 ** (synRetries + 1) - 1;

const MAX_SILENT_S = 7;
const MAX_KEEPALIVE_S = 60;
const PAGE = 'docs/architecture.md#silent-hosts';

function placementFindings({ besideFreeSwitch, sockets, synRetries, keepaliveTime }: HostFacts): Finding[] {
  const away = sockets.filter(({ isLocal }) => !isLocal).map(({ address }) => address);
  if (!besideFreeSwitch)
    return [
      warning(
        'agents',
        'this is not the FreeSWITCH host (FREESWITCH_HOST): its kernel settings are not checked',
        'run doctor on the FreeSWITCH host, where the agents belong too',
      ),
    ];
  if (away.length === 0) return [ok('agents', 'on the FreeSWITCH host')];
  const findings = [
    warning(
      'agents',
      `not on the FreeSWITCH host: ${away.join(', ')}`,
      `run the agents on the FreeSWITCH host: loopback drops no packets. See ${PAGE}`,
    ),
  ];
  if (synRetries !== undefined && silentSeconds(synRetries) > MAX_SILENT_S)
    findings.push(
      error(
        'tcp_syn_retries',
        `${synRetries}: a silent agent host delays each call by ${silentSeconds(synRetries)} s`,
        'set net.ipv4.tcp_syn_retries = 2 on the FreeSWITCH host',
      ),
    );
  if (keepaliveTime !== undefined && keepaliveTime > MAX_KEEPALIVE_S)
    findings.push(
      error(
        'tcp_keepalive_time',
        `${keepaliveTime} s: calls that wait for a decision of a silent host wait longer`,
        `set net.ipv4.tcp_keepalive_time, _intvl and _probes as in ${PAGE}`,
      ),
    );
  return findings;
}

const socketFinding = ({ address, connectError }: SocketHost): Finding =>
  connectError === undefined
    ? ok('socket', `${address} accepts connections`)
    : error(
        'socket',
        `${address}: ${connectError}`,
        'start the agent; check SOCKET_HOST, SOCKET_PORT and the firewall. An agent without NATS refuses connections',
      );

export const hostFindings = (facts: HostFacts): Finding[] => [
  ...facts.sockets.map(socketFinding),
  ...placementFindings(facts),
];
