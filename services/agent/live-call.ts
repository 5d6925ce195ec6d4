import type { LiveCalls } from '#libs/bus/live-calls.ts';
import type { CtiBridgeArguments } from '#libs/contract/arguments.ts';
import type { EndpointRequest, Notification } from '#libs/contract/endpoint.ts';
import type { LiveCall } from '#libs/contract/messages.ts';
import type { ChannelData } from './call/channel-data.ts';
import { startOf } from './call/identity.ts';
import type { CallEvent } from './call/notification.ts';

/** The record of a live call: enough to synthesize its hangup. */
export function liveCall(
  data: ChannelData,
  request: EndpointRequest,
  endpoint: CtiBridgeArguments,
): LiveCall {
  const { uuid, node, caller_id_number, caller_id_name, destination_number } = request;
  const started = new Date(startOf(data) || Date.parse(request.time)).toISOString();
  return {
    v: 1,
    url: endpoint.url,
    uuid,
    node,
    caller_id_number,
    caller_id_name,
    destination_number,
    started,
  };
}

/** Records a call as live. Resolves when NATS has stored it, or the first attempt to store it has failed. */
export type TrackCall = (
  data: ChannelData,
  request: EndpointRequest,
  endpoint: CtiBridgeArguments,
) => Promise<void>;

/** Adds a call whose endpoint wants notifications to the live calls; removes one whose endpoint no longer does. */
export const trackIn =
  (live: LiveCalls): TrackCall =>
  async (data, request, endpoint) => {
    if (endpoint.notify) await live.add(liveCall(data, request, endpoint));
    else if (live.knows(request.node, request.uuid)) live.remove(request);
  };

/** The hangup of a call whose real hangup no agent has seen. `now` is epoch milliseconds. */
export function synthesizedHangup(call: LiveCall, now: number): CallEvent {
  const { v: _, url, uuid, ...known } = call;
  const time = new Date(now).toISOString();
  const unseen = { recovered: true, cause: 'UNKNOWN', q850: 0 } as const;
  const notification: Notification = { action: 'hangup', uuid, leg: uuid, ...known, time, ...unseen };
  return { endpoint: { url, notify: true }, wanted: true, notification, callStart: Date.parse(call.started) };
}
