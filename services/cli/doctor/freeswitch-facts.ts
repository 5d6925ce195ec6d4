import { AGENT_EVENTS, OPTIONAL_AGENT_EVENTS } from '#libs/esl/agent-rights.ts';
import { InboundConnection } from '#libs/esl/inbound.ts';
import { type ApiResult, type FreeSwitchFacts, MODULES } from './freeswitch.ts';

export interface FreeSwitchAccess {
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: string;
  readonly callControl: boolean;
}

/** No channel has this uuid: commands with it change nothing. */
const NO_CHANNEL = 'dialhook-doctor';

/** By the name of the command. `show` lists applications, which needs the same right as the list of channels. */
const COMMANDS: Readonly<Record<string, string>> = {
  version: 'version',
  show: 'show application as json',
  switchname: 'switchname',
  uptime: 'uptime ms',
  uuid_exists: `uuid_exists ${NO_CHANNEL}`,
  url_encode: 'url_encode a b',
  sofia: 'sofia xmlstatus gateway',
};
const CONTROL_COMMANDS: Readonly<Record<string, string>> = {
  uuid_getvar: `uuid_getvar ${NO_CHANNEL} uuid`,
  uuid_kill: `uuid_kill ${NO_CHANNEL}`,
  uuid_transfer: `uuid_transfer ${NO_CHANNEL} ${NO_CHANNEL}`,
};

const DEFAULT_PASSWORD = 'ClueCon';

/** Logs in once. @throws when FreeSWITCH is unreachable or refuses the login or an event. */
async function login({ host, port, user, password }: FreeSwitchAccess, onRefused: (event: string) => void) {
  const up = Promise.withResolvers<void>();
  const connection = new InboundConnection({
    ...{ host, port, user, password },
    events: AGENT_EVENTS,
    optionalEvents: Object.keys(OPTIONAL_AGENT_EVENTS),
    onEventRefused: onRefused,
    // Matches nothing, so that FreeSWITCH sends no events.
    filters: [['Unique-ID', NO_CHANNEL]],
    onEvent: () => {},
    onUp: () => up.resolve(),
    onDown: (error) => up.reject(error),
    onFault: () => {},
  });
  await up.promise.catch((error: unknown) => {
    connection.close();
    throw error;
  });
  return connection;
}

/** Milliseconds by which FreeSWITCH's clock, in whole seconds, is ahead of ours; 0 within the uncertainty. */
function offsetOf(epoch: ApiResult, before: number, after: number): number | undefined {
  const seconds = epoch.ok ? Number(epoch.text.trim()) : Number.NaN;
  if (!Number.isInteger(seconds)) return undefined;
  const [earliest, latest] = [seconds * 1000, seconds * 1000 + 999];
  if (latest < before) return latest - before;
  return earliest > after ? earliest - after : 0;
}

export async function freeSwitchFacts(access: FreeSwitchAccess): Promise<FreeSwitchFacts> {
  const refusedEvents: string[] = [];
  const base = {
    user: access.user,
    isDefaultPassword: access.password === DEFAULT_PASSWORD,
    callControl: access.callControl,
  };
  let connection: InboundConnection;
  try {
    connection = await login(access, (event) => {
      refusedEvents.push(event);
    });
  } catch (cause) {
    return { ...base, loginError: (cause as Error).message, refusedEvents, api: {} };
  }
  const run = (command: string): Promise<ApiResult> =>
    connection.api(command).then(
      (text) => ({ ok: true, text }),
      (cause: Error) => ({ ok: false, error: cause.message }),
    );
  try {
    const api: Record<string, ApiResult> = {};
    for (const [name, command] of Object.entries({
      ...COMMANDS,
      ...(access.callControl ? CONTROL_COMMANDS : {}),
    }))
      api[name] = await run(command);
    const modules: Record<string, boolean> = {};
    for (const name of MODULES) {
      const result = await run(`module_exists ${name}`);
      api['module_exists'] = result;
      if (result.ok) modules[name] = result.text.trim() === 'true';
    }
    const before = Date.now();
    const epoch = await run('strepoch');
    api['strepoch'] = epoch;
    const clockOffsetMs = offsetOf(epoch, before, Date.now());
    return {
      ...base,
      refusedEvents,
      api,
      ...(Object.keys(modules).length > 0 ? { modules } : {}),
      ...(clockOffsetMs === undefined ? {} : { clockOffsetMs }),
    };
  } finally {
    connection.close();
  }
}
