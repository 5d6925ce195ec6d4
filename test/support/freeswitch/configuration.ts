import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Everything in conf/freeswitch.xml that differs from one FreeSWITCH to the next. */
export interface Configuration {
  readonly domain: string;
  readonly logLevel: string;
  /** Keep calls in the database, for `sofia recover`. */
  readonly trackCalls: boolean;
  /** The section interface-allowlist of switch.conf, or nothing: then every application and API command may be used. */
  readonly interfaceAllowlist: string;
  /** Whether the Call-ID of an INVITE is the uuid of its channel. */
  readonly callIdAsUuid: boolean;
  readonly eventSocketPort: number;
  readonly password: string;
  readonly user: string;
  readonly userPassword: string;
  readonly internalPort: number;
  readonly externalPort: number;
  readonly securePort: number;
  readonly rtpFirst: number;
  readonly rtpLast: number;
  /** HOST:PORT of the SIP endpoints outside of FreeSWITCH. */
  readonly gw: string;
  readonly gw2: string;
  readonly fallback: string;
  readonly ip: string;
}

const TEMPLATE = join(import.meta.dirname, 'conf', 'freeswitch.xml');

/** Writes freeswitch.xml into a folder. */
export async function writeConfiguration(folder: string, values: Configuration): Promise<void> {
  const template = await readFile(TEMPLATE, 'utf8');
  const filled = template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    if (!(name in values)) throw new Error(`conf/freeswitch.xml needs ${name}`);
    return String(values[name as keyof Configuration]);
  });
  await writeFile(join(folder, 'freeswitch.xml'), filled);
}
