import type { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { Client } from './client.ts';

export interface Hangups {
  /** The headers of a leg's CHANNEL_HANGUP_COMPLETE, when it has come. */
  of(leg: string): Promise<Record<string, unknown>>;
}

/** Subscribes to the hangups of a simulated FreeSWITCH; the connection ends with it. */
export async function hangupsOf({ port }: SimulatedFreeSwitch): Promise<Hangups> {
  const client = await Client.logIn(port, 'event json CHANNEL_HANGUP_COMPLETE');
  return {
    async of(leg) {
      const found = () => client.events.find((event) => event.get('Unique-ID') === leg);
      await client.until(() => found() !== undefined);
      return Object.fromEntries(found() ?? []);
    },
  };
}
