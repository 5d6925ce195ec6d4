import { type Event, text } from './event-socket.ts';
import { CALL_HEADER } from './world.ts';

/** How the legs of one call ended: their CHANNEL_HANGUP_COMPLETE. */
export interface Ended {
  readonly hangup: Event;
  readonly calledHangups: readonly Event[];
}

interface Live {
  readonly legs: Set<string>;
  readonly calledHangups: Event[];
  hangup: Event | undefined;
  readonly ended: PromiseWithResolvers<Ended>;
}

/** Follows the legs of every call, by the header that all of them carry, until the last has ended. */
export class LiveCalls {
  readonly #calls = new Map<string, Live>();

  /** Resolves when every leg of the call with that id has ended. */
  expect(id: string): Promise<Ended> {
    const live: Live = {
      legs: new Set(),
      calledHangups: [],
      hangup: undefined,
      ended: Promise.withResolvers(),
    };
    this.#calls.set(id, live);
    return live.ended.promise;
  }

  note(event: Event): void {
    const id = text(event, `variable_sip_h_${CALL_HEADER}`) ?? '';
    const live = this.#calls.get(id);
    const leg = text(event, 'Unique-ID');
    if (live === undefined || leg === undefined) return;
    if (event['Event-Name'] === 'CHANNEL_CREATE') {
      live.legs.add(leg);
      return;
    }
    live.legs.delete(leg);
    if (event['Call-Direction'] === 'inbound') live.hangup = event;
    else live.calledHangups.push(event);
    if (live.hangup === undefined || live.legs.size > 0) return;
    this.#calls.delete(id);
    live.ended.resolve({ hangup: live.hangup, calledHangups: live.calledHangups });
  }
}
