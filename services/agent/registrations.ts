import type { Group, Leg, Plan } from '#libs/contract/plan.ts';
import type { DialableGroup } from '#libs/dialplan/applications.ts';
import { endpointsOfContacts } from '#libs/dialplan/contacts.ts';
import type { OutboundCall } from '#libs/esl/outbound.ts';

type UserLeg = Extract<Leg, { user: string }>;
type DialLeg = DialableGroup['legs'][number];

const CONTACTS = 'dialhook_contacts';
/** FreeSWITCH cuts the reply to getvar at 511 bytes. A contact that may have been cut is left out. */
const MAX_REPLY_BYTES = 511;

const wholeContacts = (reply: string): string =>
  Buffer.byteLength(reply) < MAX_REPLY_BYTES ? reply : reply.slice(0, Math.max(0, reply.lastIndexOf(',')));

/**
 * A user's registered devices. Without `full` a socket has no api command, so sofia_contact is expanded into a variable
 * and read back: two round trips, in the call's own thread. `export` and not `set`, which would expand the result a
 * second time: a device chooses the text of its contact.
 */
async function contactsOf(
  call: OutboundCall,
  leg: UserLeg,
  defaultDomain: string | undefined,
): Promise<DialLeg[]> {
  const domain = leg.domain ?? defaultDomain ?? `\${domain_name}`;
  await call.execute('export', `${CONTACTS}=\${sofia_contact(*/${leg.user}@${domain})}`);
  const contacts = wholeContacts(await call.getVariable(CONTACTS));
  await call.execute('unset', CONTACTS);
  const { variables, timeout, delay } = leg;
  return endpointsOfContacts(contacts, leg.number).map((endpoint) => ({
    endpoint,
    variables,
    timeout,
    delay,
  }));
}

export interface Lookup {
  readonly groups: readonly DialableGroup[];
  /** Users without a registered device. Their targets are not in `groups`. */
  readonly missing: readonly string[];
}

/** Replaces users by their registered devices, dialled one after the other unless the strategy is `simultaneous`. */
export async function lookUpUsers(
  call: OutboundCall,
  plan: Extract<Plan, { groups: readonly Group[] }>,
  defaultDomain: string | undefined,
): Promise<Lookup> {
  const missing: string[] = [];
  const groups: DialableGroup[] = [];
  for (const group of plan.groups) {
    const simultaneous: DialLeg[] = [];
    for (const leg of group.legs) {
      if ('endpoint' in leg) {
        simultaneous.push(leg);
        continue;
      }
      const found = await contactsOf(call, leg, defaultDomain);
      if (found.length === 0) missing.push(leg.user);
      if (leg.strategy === 'simultaneous') simultaneous.push(...found);
      else groups.push(...found.map((one) => ({ variables: group.variables, legs: [one] })));
    }
    if (simultaneous.length > 0) groups.push({ variables: group.variables, legs: simultaneous });
  }
  return { groups, missing };
}
