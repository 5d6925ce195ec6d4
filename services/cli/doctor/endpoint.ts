import { error, type Finding, ok, warning } from './finding.ts';

export interface Certificate {
  /** Days until it expires; negative afterwards. */
  readonly daysLeft: number;
  /** Why it is not trusted. */
  readonly problem: string | undefined;
}

export interface EndpointFacts {
  /** The URL without userinfo and query. */
  readonly url: string;
  /** Why the address rules refuse it. */
  readonly refusal?: string;
  readonly addresses?: readonly string[];
  readonly dnsError?: string;
  readonly dnsMs?: number;
  readonly connectError?: string;
  /** TCP and TLS. */
  readonly connectMs?: number;
  readonly certificate?: Certificate;
}

const SLOW_MS = 100;
const DAYS_LEFT = 14;

function connectionFindings({ connectError, connectMs, certificate }: EndpointFacts): Finding[] {
  if (connectError !== undefined)
    return [
      error(
        'connection',
        connectError,
        'start the endpoint; check address, port and the firewall from this host',
      ),
    ];
  const ms = connectMs ?? 0;
  return [
    ms > SLOW_MS
      ? warning(
          'latency',
          `${ms} ms to connect`,
          'move the endpoint nearer: every caller waits for its answer',
        )
      : ok('latency', `${ms} ms to connect`),
    ...(certificate ? [certificateFinding(certificate)] : []),
  ];
}

function certificateFinding({ daysLeft, problem }: Certificate): Finding {
  if (daysLeft < 0) return error('certificate', `expired ${-daysLeft} days ago`, 'renew it');
  if (problem !== undefined)
    return error(
      'certificate',
      problem,
      'send the complete chain for this host name; for a private certificate authority set ENDPOINT_CA_FILE',
    );
  return daysLeft < DAYS_LEFT
    ? warning('certificate', `expires in ${daysLeft} days`, 'renew it')
    : ok('certificate', `valid for ${daysLeft} days`);
}

export function endpointFindings(facts: EndpointFacts): Finding[] {
  const { url, refusal, dnsError, addresses = [] } = facts;
  const about = (one: Finding): Finding => ({ ...one, found: `${url}: ${one.found}` });
  if (refusal !== undefined)
    return [error('address', refusal, 'change the URL, or the rules ENDPOINT_*')].map(about);
  if (dnsError !== undefined)
    return [error('DNS', dnsError, 'correct the host name, or the resolver of this host')].map(about);
  return [ok('DNS', addresses.join(', ')), ...connectionFindings(facts)].map(about);
}
