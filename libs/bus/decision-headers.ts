import { headers, type Msg, type MsgHdrs } from '@nats-io/transport-node';

/** On a request: when this copy was sent, ms on a clock of the agent that starts at any time. Requests an acceptance. */
const SENT = 'Dialhook-Sent';
/** On a reply without a body, with the uuid of the call: the router begins to work on the request. */
const ACCEPTED = 'Dialhook-Accepted';
/** On `dialhook.abandon`: the reply subject of the copy that is not abandoned. */
const KEEP = 'Dialhook-Keep';
/** On `dialhook.abandon`: the reply subject of the only copy that is abandoned. */
const DROP = 'Dialhook-Drop';

export function requestHeaders(trace: MsgHdrs, sentMs: number): MsgHdrs {
  trace.set(SENT, sentMs.toFixed(1));
  return trace;
}

/** When the copy was sent; undefined for an agent that expects no acceptance. */
export function sentAt({ headers: given }: Msg): number | undefined {
  const text = given?.get(SENT);
  const sent = Number(text);
  return text && Number.isFinite(sent) ? sent : undefined;
}

export function accept(message: Msg, uuid: string): void {
  const carried = headers();
  carried.set(ACCEPTED, uuid);
  message.respond(undefined, { headers: carried });
}

/** The uuid of the call that a router accepts; undefined for another message. */
export const acceptedCall = ({ headers: given }: Msg): string | undefined =>
  given?.get(ACCEPTED) || undefined;

/** Which copies of a request `dialhook.abandon` is about: all but one, or one. Default: all. */
export type Abandoned = { readonly keep: string } | { readonly drop: string };

export function abandonHeaders(copies: Abandoned): MsgHdrs {
  const carried = headers();
  if ('keep' in copies) carried.set(KEEP, copies.keep);
  else carried.set(DROP, copies.drop);
  return carried;
}

/** Whether the copy with this reply subject is abandoned. */
export function isAbandoned({ headers: given }: Msg, reply: string): boolean {
  const drop = given?.get(DROP);
  return drop ? reply === drop : reply !== given?.get(KEEP);
}
