import type { Channel } from '#libs/simulator/switch/channel.ts';
import { isTrue } from '#libs/simulator/switch/switch-strings.ts';
import type { Header } from './message.ts';

/** Prefixes of the variables that hold headers of requests, provisional responses, final responses and BYE. */
export type HeaderPrefix = 'sip_h_' | 'sip_ph_' | 'sip_rh_' | 'sip_bye_h_';

/** Headers that sofia-sip parses itself: they are in no variable with a HeaderPrefix. */
const PARSED = /^p-(?:asserted|preferred)-identity$/i;
/** sofia_test_extra_headers in mod_sofia.h. */
const EXTRA = /^(?:x-(?!fs-)|p-|on)/i;
/** The headers of an INVITE that sofia_handle_sip_i_invite keeps. */
const OF_INVITE = /^(?:accept-language|diversion|user-to-user$|x-(?!fs-support$|fs-channel-name$)|p-|on|k-)/i;

/** Keeps headers of a caller's INVITE. */
export function keepInviteHeaders(channel: Channel, headers: readonly Header[]): void {
  for (const [name, value] of headers)
    if (OF_INVITE.test(name) && !PARSED.test(name)) channel.set(`sip_h_${name}`, value);
}

/** Keeps headers of a message within a dialog (sofia_glue_set_extra_headers in sofia_glue.c). */
export function keepHeaders(channel: Channel, headers: readonly Header[], prefix: HeaderPrefix): void {
  for (const [name, value] of headers)
    if (EXTRA.test(name) && !PARSED.test(name)) channel.set(`${prefix}${name}`, value);
}

/** Copies kept headers from one leg to the other (switch_ivr_transfer_variable), unless the first one forbids it. */
export function copyHeaders(from: Channel, to: Channel, prefix: HeaderPrefix): void {
  if (!mayCopyHeaders(from)) return;
  for (const [name, value] of [...from.variables]) if (hasPrefix(name, prefix)) to.set(name, value);
}

function mayCopyHeaders(channel: Channel): boolean {
  const setting = channel.variables.get('sip_copy_custom_headers');
  return setting === undefined || isTrue(setting);
}

/** The headers that variables of the leg add to a message (sofia_glue_get_extra_headers in sofia_glue.c). */
export const addedHeaders = (channel: Channel, prefix: HeaderPrefix): Header[] =>
  [...channel.variables].flatMap(([name, value]): Header[] =>
    hasPrefix(name, prefix) && typeof value === 'string' ? [[name.slice(prefix.length), value]] : [],
  );

const hasPrefix = (name: string, prefix: string): boolean => name.toLowerCase().startsWith(prefix);
