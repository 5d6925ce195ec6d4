import { once } from 'node:events';
import type { EndpointRequest } from '#libs/contract/endpoint.ts';
import { SipName } from '#libs/contract/text.ts';
import { publicUrl } from '#libs/net/url.ts';
import { Cluster } from './cluster.ts';
import { startEndpoint } from './endpoint.ts';
import type { Answer } from './fates.ts';
import type { Options } from './options.ts';
import type { Screen } from './screen.ts';
import { Stack } from './stack.ts';

/** What the example endpoint answers to real calls: the extension dialled, if a device is registered under it. */
export function dialExtension({ destination_number: number }: EndpointRequest): Answer {
  const dialable = SipName.safeParse(number).success;
  return { body: { dial: dialable ? { type: 'user', user: number, number } : { type: 'hangup', cause: 1 } } };
}

/** The lines to paste into a dialplan. */
export const dialplan = (listen: Options['listen'], url: string): string => `
    <extension name="dialhook">
      <condition field="destination_number" expression="^(\\d+)$">
        <action application="set" data="cti_bridge=${url} 3000 3000 1"/>
        <action application="socket" data="${listen.host}:${listen.port}"/>
        <!-- reached only without a decision: your fallback, for example -->
        <action application="respond" data="503"/>
      </condition>
    </extension>
`;

/** The same cluster with a real FreeSWITCH in place of the simulated ones, until it is told to stop. */
export async function runWithFreeSwitch(
  options: Options & { readonly freeswitch: NonNullable<Options['freeswitch']> },
  screen: Screen,
  stop: AbortController,
): Promise<boolean> {
  const { freeswitch, listen } = options;
  const running = new Stack();
  try {
    const endpoint =
      options.endpoint === undefined
        ? await startEndpoint({ decide: dialExtension, told: () => {} })
        : undefined;
    running.add(() => endpoint?.stop());
    const url = options.endpoint ?? endpoint?.url ?? '';
    screen.say(
      `Starting NATS, Redis, two routers, a notifier and an agent for ${freeswitch.host}:${freeswitch.port} ...`,
    );
    const cluster = await Cluster.start({
      nodes: [{ name: undefined, ...freeswitch, listen }],
      defaultEndpoint: url,
      console: true,
      onLog: (line) => screen.read(line),
      onLost: (name) => {
        screen.say(`${name} has ended by itself: stopping`);
        stop.abort();
      },
    });
    running.add(() => cluster.stop());
    const shown = publicUrl(url);
    const hidden = shown === url ? '' : '; its user, password and query are not shown';
    screen.say(
      `Ready. Paste this into the dialplan (set may be left out: ${shown} is the default here${hidden}):`,
    );
    screen.say(dialplan(listen, shown));
    screen.say(`What happens to each call: ${cluster.consoleUrl}`);
    if (!stop.signal.aborted) await once(stop.signal, 'abort');
    return true;
  } finally {
    await running.unwind();
  }
}
