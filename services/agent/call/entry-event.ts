import type { CtiBridgeArguments } from '#libs/contract/arguments.ts';
import type { AgentConfig } from '../config.ts';
import type { ChannelData } from './channel-data.ts';
import { type Entry, isTagged } from './entry.ts';
import { newIdentity } from './identity.ts';
import { entryEvent, type LegEvent } from './leg-event.ts';

/** An entry into `socket`, as events for the call model. */
export interface EntryEvents {
  /** For the call whose caller leg the channel is. */
  readonly event: LegEvent;
  /** For the call that dialled this leg, if its caller transferred it. */
  readonly left: LegEvent | undefined;
}

/** @throws {RangeError} when the channel data hold no timestamp. */
export function entryEvents(
  data: ChannelData,
  { transferred_from }: Extract<Entry, { kind: 'request' }>,
  { url, notify }: CtiBridgeArguments,
  { NODE_NAME: nodeName, DEFAULT_ENDPOINT_URL: defaultUrl }: AgentConfig,
): EntryEvents {
  const read = entryEvent(data, { nodeName, defaultUrl });
  const { started, ...identity } = newIdentity(data);
  const subscriber = read.subscriber === undefined ? undefined : { ...read.subscriber, url, notify };
  const own = isTagged(data) ? read : { ...read, call: read.leg, identity, started };
  return {
    event: { ...own, subscriber },
    left: transferred_from === undefined ? undefined : read,
  };
}
