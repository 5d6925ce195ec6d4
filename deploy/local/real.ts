import { once } from 'node:events';
import type { EndpointRequest } from '#libs/contract/endpoint.ts';
import { SipName } from '#libs/contract/text.ts';
import { publicUrl } from '#libs/net/url.ts';
import { Cluster } from './cluster.ts';
import { startEndpoint } from './endpoint.ts';
import type { Options } from './options.ts';
import type { Answer } from './scenarios.ts';
import type { Screen } from './screen.ts';
import { Stack } from './stack.ts';
import { followTimeline } from './timeline.ts';

/** The example endpoint's answer to real calls: the user with the dialled number, or a hangup for other numbers. */
function dialExtension({ destination_number: number }: EndpointRequest): Answer {
  const dialable = SipName.safeParse(number).success;
  return { body: { dial: dialable ? { type: 'user', user: number, number } : { type: 'hangup', cause: 1 } } };
}

/** An extension to paste into a dialplan. */
export const dialplan = (listen: Options['listen'], url: string): string => `
    <extension name="dialhook">
      <condition field="destination_number" expression="^(\\d+)$">
        <action application="set" data="cti_bridge=${url} 3000 3000 1"/>
        <action application="socket" data="${listen.host}:${listen.port}"/>
        <!-- runs only without a decision, for example your own fallback -->
        <action application="respond" data="503"/>
      </condition>
    </extension>
`;

/** Runs a cluster for a real FreeSWITCH until `stop`. */
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
        ? await startEndpoint({ decide: dialExtension, notified: () => {} })
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
      onLog: (line) => screen.log(line),
      onLost: (name) => {
        screen.say(`${name} ended unexpectedly: stopping`);
        stop.abort();
      },
    });
    running.add(() => cluster.stop());
    running.add(await followTimeline(cluster.natsUrl, (step, order) => screen.step(step, order)));
    const shown = publicUrl(url);
    const hidden = shown === url ? '' : '; its user, password and query are not printed';
    screen.say(
      `Ready. Paste this into the dialplan (the set action is optional: the default endpoint is ${shown}${hidden}):`,
    );
    screen.say(dialplan(listen, shown));
    screen.say(`Console: ${cluster.consoleUrl}`);
    if (!stop.signal.aborted) await once(stop.signal, 'abort');
    return true;
  } finally {
    await running.unwind();
  }
}
