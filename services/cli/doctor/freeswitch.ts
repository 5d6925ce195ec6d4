import { AGENT_APIS, AGENT_EVENTS, CONTROL_APIS, OPTIONAL_AGENT_EVENTS } from '#libs/esl/agent-rights.ts';
import { isOlder } from '#libs/version/version.ts';
import { error, type Finding, ok, warning } from './finding.ts';

/** The output of an api command, or why there is none. */
export type ApiResult =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly error: string };

/** The answers of FreeSWITCH. */
export interface FreeSwitchFacts {
  /** Why the login failed. */
  readonly loginError?: string;
  readonly user: string | undefined;
  readonly isDefaultPassword: boolean;
  readonly callControl: boolean;
  readonly refusedEvents: readonly string[];
  /** By command, without arguments. */
  readonly api: Readonly<Record<string, ApiResult>>;
  /** Loaded modules of MODULES; undefined if the user lacks the permission. */
  readonly modules?: Readonly<Record<string, boolean>>;
  /** FreeSWITCH's clock minus the clock of this host, ms. */
  readonly clockOffsetMs?: number;
}

export const MODULES = ['mod_commands', 'mod_dptools', 'mod_event_socket', 'mod_sofia'] as const;

/** Applications of every decision, and of some of its fields. */
const NEEDED = ['multiset', 'set', 'export', 'bridge', 'hangup', 'socket', 'respond'];
const OF_FIELDS = [
  ...['pre_answer', 'answer', 'playback', 'sched_hangup', 'sched_cancel', 'sched_broadcast'],
  // collect
  ...['flush_dtmf', 'read'],
  // confirm and whisper
  ...['event', 'multiunset'],
  // record
  ...['record_session', 'stop_record_session'],
  // user targets, and a long cti_bridge
  'unset',
];

const OLDEST = '1.10';
const MAX_OFFSET_MS = 2_000;

function loginFinding(text: string): Finding {
  if (/refused this address/i.test(text))
    return error(
      'event socket',
      text,
      'add the address of the agents to apply-inbound-acl in event_socket.conf.xml',
    );
  if (/refused the login/i.test(text))
    return error('event socket', text, 'correct FREESWITCH_PASSWORD, and FREESWITCH_USER if it is set');
  if (/-ERR|permission|event/i.test(text) && !/ECONN|ENOTFOUND|EHOST/.test(text))
    return error(
      'event socket',
      text,
      `allow the directory user to receive the events: esl-allowed-events="${[...AGENT_EVENTS, ...Object.keys(OPTIONAL_AGENT_EVENTS)].join(' ')}"`,
    );
  return error(
    'event socket',
    text,
    'start FreeSWITCH with mod_event_socket; check FREESWITCH_HOST, FREESWITCH_PORT, listen-ip in event_socket.conf.xml and the firewall',
  );
}

const isDenied = (result: ApiResult | undefined): boolean =>
  result?.ok === false && /permission denied/i.test(result.error);

function versionFinding(result: ApiResult | undefined): Finding[] {
  if (!result?.ok) return [];
  const version = /Version (\d+\.\d+[\w.+~-]*)/.exec(result.text)?.[1];
  if (version === undefined) return [warning('version', result.text.trim(), 'use FreeSWITCH 1.10 or 1.11')];
  return [
    isOlder(version, OLDEST)
      ? warning('version', version, `Dialhook is tested with ${OLDEST} and 1.11: upgrade`)
      : ok('version', version),
  ];
}

function rightsFindings({
  user,
  api,
  callControl,
  refusedEvents,
  isDefaultPassword,
}: FreeSwitchFacts): Finding[] {
  const needed: readonly string[] = [...AGENT_APIS, ...(callControl ? CONTROL_APIS : [])];
  const denied = needed.filter((name) => isDenied(api[name]));
  const allowed = `esl-allowed-api="${needed.join(' ')}"`;
  return [
    user === undefined
      ? ok('login', 'with the event socket password, which allows every command')
      : ok('login', `as the directory user ${user}`),
    ...(isDefaultPassword
      ? [
          warning(
            'password',
            'the default password, ClueCon',
            'change it: with it, any host that reaches the port can run commands',
          ),
        ]
      : []),
    denied.length > 0
      ? error('permissions', `the user may not use ${denied.join(', ')}`, `give it ${allowed}`)
      : ok('permissions', needed.join(', ')),
    ...refusedEvents.map((event) =>
      warning(
        'events',
        `the user may not receive ${event}: ${OPTIONAL_AGENT_EVENTS[event]} are reported late`,
        `add ${event} to its esl-allowed-events`,
      ),
    ),
  ];
}

function moduleFindings({ modules, api }: FreeSwitchFacts): Finding[] {
  if (!modules) return [];
  const missing = MODULES.filter((name) => !modules[name]);
  const encoded = api['url_encode'];
  return [
    missing.length > 0
      ? error('modules', `not loaded: ${missing.join(', ')}`, 'load them in modules.conf.xml')
      : ok('modules', MODULES.join(', ')),
    encoded?.ok && encoded.text.trim() === 'a%20b'
      ? ok('url_encode', '${url_encode(a b)} is a%20b')
      : error(
          'url_encode',
          '${url_encode(...)} in the dialplan expands to an empty string',
          'load mod_commands, or do not use it in cti_bridge',
        ),
  ];
}

/** The names in the output of `show application as json`. */
function applicationsIn(text: string): ReadonlySet<string> | undefined {
  try {
    const { rows = [] } = JSON.parse(text) as { rows?: readonly { readonly name: string }[] };
    return new Set(rows.map(({ name }) => name));
  } catch {
    return undefined;
  }
}

function applicationFindings(result: ApiResult | undefined): Finding[] {
  const names = result?.ok ? applicationsIn(result.text) : undefined;
  if (!names) return [];
  const missing = NEEDED.filter((name) => !names.has(name));
  const unusable = OF_FIELDS.filter((name) => !names.has(name));
  const remedy =
    'load mod_dptools and mod_event_socket, and allow them in interface-allowlist of switch.conf.xml';
  if (missing.length > 0) return [error('applications', `missing: ${missing.join(', ')}`, remedy)];
  if (unusable.length > 0)
    return [
      warning('applications', `missing, for some fields of a decision: ${unusable.join(', ')}`, remedy),
    ];
  return [ok('applications', 'all that decisions need')];
}

/** Gateways in the output of `sofia xmlstatus gateway`. */
function gatewaysIn(xml: string): { readonly name: string; readonly state: string; readonly up: boolean }[] {
  return [...xml.matchAll(/<gateway>(.*?)<\/gateway>/gs)].map(([, body = '']) => {
    const field = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(body)?.[1] ?? '';
    return { name: field('name'), state: field('state'), up: field('status') === 'UP' };
  });
}

function gatewayFindings(result: ApiResult | undefined): Finding[] {
  if (!result?.ok) return [];
  const all = gatewaysIn(result.text);
  const down = all.filter(({ up }) => !up);
  if (all.length === 0) return [ok('gateways', 'none is configured')];
  if (down.length === 0)
    return [ok('gateways', all.map(({ name, state }) => `${name} (${state})`).join(', '))];
  const names = down.map(({ name, state }) => `${name} (${state})`).join(', ');
  return [
    warning(
      'gateways',
      `down: ${names}`,
      'calls to them fail with GATEWAY_DOWN: check registration, credentials and pings of these gateways',
    ),
  ];
}

function clockFindings(offset: number | undefined): Finding[] {
  if (offset === undefined) return [];
  const found = `${Math.abs(offset)} ms ${offset < 0 ? 'behind' : 'ahead of'} this host`;
  if (Math.abs(offset) <= MAX_OFFSET_MS) return [ok('clock', found)];
  return [
    warning('clock', found, 'synchronize the clocks (NTP): times in requests and notifications are wrong'),
  ];
}

/** Commands that only this check needs. */
const OWN_APIS = ['version', 'module_exists', 'url_encode', 'sofia', 'strepoch'];

function uncheckedFinding({ api }: FreeSwitchFacts): Finding[] {
  const denied = OWN_APIS.filter((name) => isDenied(api[name]));
  if (denied.length === 0) return [];
  return [
    warning(
      'not checked',
      `the user may not use ${denied.join(', ')}, which the agent does not need`,
      'run doctor once with the event socket password: FREESWITCH_USER= FREESWITCH_PASSWORD=...',
    ),
  ];
}

export function freeSwitchFindings(facts: FreeSwitchFacts): Finding[] {
  if (facts.loginError !== undefined) return [loginFinding(facts.loginError)];
  const { api } = facts;
  return [
    ...versionFinding(api['version']),
    ...rightsFindings(facts),
    ...moduleFindings(facts),
    ...applicationFindings(api['show']),
    ...gatewayFindings(api['sofia']),
    ...clockFindings(facts.clockOffsetMs),
    ...uncheckedFinding(facts),
  ];
}
