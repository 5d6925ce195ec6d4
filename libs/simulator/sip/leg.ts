import type { CallerProfile } from '#libs/simulator/switch/caller-profile.ts';
import type { Channel } from '#libs/simulator/switch/channel.ts';

/** A leg whose channel runs a dialplan: a caller leg, or a called leg that was transferred. */
export interface Leg {
  readonly channel: Channel;
  /** Sends 180 Ringing. */
  ring(): void;
  /** Sends 183 Session Progress with SDP. */
  preAnswer(): void;
  /** Sends 200 OK. */
  answer(): void;
  /** The application `respond`: a final status ends the leg with the cause that the status maps to. */
  respond(status: number): void;
  showCallee(profile: CallerProfile): void;
}
