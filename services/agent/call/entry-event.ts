import type { CtiBridgeArguments } from '#libs/contract/arguments.ts';
import { DEFAULT_ACTIONS } from '#libs/contract/endpoint.ts';
import type { AgentConfig } from '../config.ts';
import type { ChannelData } from './channel-data.ts';
import { isTagged, type SocketEntry } from './entry.ts';
import { newIdentity } from './identity.ts';
import { entryEvent, type LegEvent, type Subscriber, subscriberWith } from './leg-event.ts';

/** An entry into `socket`, as events for the call model. */
export interface EntryEvents {
  /** For the call whose caller leg the channel is. */
  readonly event: LegEvent;
  /** For the call that dialled this leg, if its caller transferred it. */
  readonly left: LegEvent | undefined;
}

export function entryEvents(
  data: ChannelData,
  { transferred_from }: Extract<SocketEntry, { kind: 'request' }>,
  { url, notify }: CtiBridgeArguments,
  { NODE_NAME: configuredName }: AgentConfig,
): EntryEvents {
  const read = entryEvent(data, configuredName, subscriberWith(data, { url, notify }));
  const left = transferred_from === undefined ? undefined : read;
  if (isTagged(data)) return { event: read, left };
  const { started, ...identity } = newIdentity(data);
  // A new call on the leg of another one has none of its variables.
  const subscriber: Subscriber = { url, notify, actions: DEFAULT_ACTIONS, data: undefined };
  return { event: { ...read, call: read.leg, identity, started, subscriber }, left };
}
