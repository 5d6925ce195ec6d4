import type { LiveCalls } from '#libs/bus/live-calls.ts';
import type { CtiBridgeArguments } from '#libs/contract/arguments.ts';
import type { EndpointRequest, Notification } from '#libs/contract/endpoint.ts';
import type { LiveCall } from '#libs/contract/messages.ts';
import type { Plan } from '#libs/contract/plan.ts';
import type { SetAside } from '#libs/isolation/set-aside.ts';
import { inBackground } from '#libs/lifecycle/background.ts';
import { aboutCall, type Log } from '#libs/telemetry/log.ts';
import type { ChannelData } from './call/channel-data.ts';
import { startOf } from './call/identity.ts';
import type { CallEvent } from './call/notification.ts';

/** The record of a live call: enough to synthesize its hangup. */
export function liveCall(
  data: ChannelData,
  request: EndpointRequest,
  endpoint: CtiBridgeArguments,
): LiveCall {
  const {
    uuid,
    channel_uuid,
    node,
    caller_id_number,
    caller_id_name,
    destination_number,
    data: echoed,
  } = request;
  const started = new Date(startOf(data) || Date.parse(request.time)).toISOString();
  return {
    v: 1,
    url: endpoint.url,
    uuid,
    ...(channel_uuid === undefined ? {} : { channel_uuid }),
    node,
    caller_id_number,
    caller_id_name,
    destination_number,
    ...(echoed === undefined ? {} : { data: echoed }),
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

export interface LiveCallParts {
  readonly track: TrackCall;
  readonly log: Log;
  readonly aside: SetAside;
}

/** The record of one live call: written before its request, and changed by its decision. */
export class LiveCallRecord {
  readonly #parts: LiveCallParts;
  readonly #data: ChannelData;
  readonly #request: EndpointRequest;
  readonly #endpoint: CtiBridgeArguments;
  readonly #url: string;
  /** Resolves when NATS has stored the record, or the first attempt has failed. Never rejects. */
  readonly stored: Promise<void>;

  /** @param url of the notifications; an earlier decision about the call may have set it. */
  constructor(
    parts: LiveCallParts,
    data: ChannelData,
    request: EndpointRequest,
    endpoint: CtiBridgeArguments,
    url: string,
  ) {
    this.#parts = parts;
    this.#data = data;
    this.#request = request;
    this.#endpoint = endpoint;
    this.#url = url;
    this.stored = this.#write(request, { ...endpoint, url });
  }

  /** Writes the notification settings of the decision. */
  decide({ notify, notify_url, data }: Plan): void {
    const { log } = this.#parts;
    const url = notify_url ?? this.#endpoint.url;
    // An endpoint that does not want the hangup gets no synthesized one either.
    if (notify?.includes('hangup') === false)
      inBackground(
        log,
        'removal of a live call',
        this.stored.then(() => this.#write(this.#request, { ...this.#endpoint, notify: false })),
      );
    else if (data !== undefined || url !== this.#url) {
      const request = data === undefined ? this.#request : { ...this.#request, data };
      inBackground(log, 'update of a live call', this.#write(request, { ...this.#endpoint, url }));
    }
  }

  /** Never rejects: a call is decided without its record too. */
  async #write(request: EndpointRequest, endpoint: CtiBridgeArguments): Promise<void> {
    const { track, aside } = this.#parts;
    try {
      await track(this.#data, request, endpoint);
    } catch (error) {
      aside.add('live_call', error, aboutCall(request.uuid, request.node));
    }
  }
}

/** The hangup of a call whose real hangup no agent has seen. `now` is epoch milliseconds. */
export function synthesizedHangup(call: LiveCall, now: number): CallEvent {
  const { v: _, url, uuid, ...known } = call;
  const time = new Date(now).toISOString();
  const unseen = { recovered: true, cause: 'UNKNOWN', q850: 0 } as const;
  const notification: Notification = { action: 'hangup', uuid, leg: uuid, ...known, time, ...unseen };
  return { endpoint: { url, notify: true }, wanted: true, notification, callStart: Date.parse(call.started) };
}
