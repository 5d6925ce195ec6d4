import { type Event, text } from './event-socket.ts';
import { CALL_HEADER } from './sip-network.ts';

/** How the legs of one call ended: their CHANNEL_HANGUP_COMPLETE, the called ones in the order in which they ended. */
export interface Hangups {
  readonly hangup: Event | undefined;
  readonly calledHangups: readonly Event[];
}

const isCallers = (event: Event): boolean => event['Call-Direction'] === 'inbound';
const isHangup = (event: Event): boolean => event['Event-Name'] === 'CHANNEL_HANGUP_COMPLETE';

export const hangupsOf = (events: readonly Event[]): Hangups => ({
  hangup: events.find((event) => isHangup(event) && isCallers(event)),
  calledHangups: events.filter((event) => isHangup(event) && !isCallers(event)),
});

interface Live {
  readonly legs: Set<string>;
  readonly events: Event[];
  over: boolean;
  readonly ended: PromiseWithResolvers<readonly Event[]>;
}

/** Collects the events of every call, by the SIP header that all of its legs have, until its last leg has ended. */
export class LiveCalls {
  readonly #calls = new Map<string, Live>();

  /** The events of the call with that id, as they come; `ended` resolves when every leg of it has ended. */
  expect(id: string): { readonly events: readonly Event[]; readonly ended: Promise<readonly Event[]> } {
    const live: Live = { legs: new Set(), events: [], over: false, ended: Promise.withResolvers() };
    this.#calls.set(id, live);
    return { events: live.events, ended: live.ended.promise };
  }

  note(event: Event): void {
    const id = text(event, `variable_sip_h_${CALL_HEADER}`) ?? '';
    const live = this.#calls.get(id);
    const leg = text(event, 'Unique-ID');
    if (live === undefined || leg === undefined) return;
    live.events.push(event);
    if (event['Event-Name'] === 'CHANNEL_CREATE') live.legs.add(leg);
    if (!isHangup(event)) return;
    live.legs.delete(leg);
    live.over ||= isCallers(event);
    if (live.over && live.legs.size === 0) this.#end(id, live);
  }

  /** Ends all calls: FreeSWITCH has ended and will send no more events. */
  endAll(): void {
    for (const [id, live] of this.#calls) this.#end(id, live);
  }

  #end(id: string, { ended, events }: Live): void {
    this.#calls.delete(id);
    ended.resolve(events);
  }
}
