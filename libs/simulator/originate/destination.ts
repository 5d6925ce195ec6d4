import { parseAddress } from '#libs/simulator/sip/message.ts';
import { parseCause } from '#libs/simulator/switch/hangup-cause.ts';
import type { Node } from '#libs/simulator/switch/node.ts';
import type { DialLeg, DialVariables } from './dial-string.ts';

/** The destination of one leg of a dial string. */
export interface Destination {
  readonly endpoint: string;
  /** sofia/PROFILE/ADDRESS */
  readonly channelName: string;
  /** The dial string after the endpoint's type; it contains the destination number. */
  readonly address: string;
  readonly gateway: string | undefined;
  readonly profile: string;
  readonly number: string;
  readonly host: string;
  readonly variables: DialVariables;
}

/** The hangup cause of a leg that cannot be created. */
export interface NoDestination {
  readonly cause: string;
}

/** A user has one destination per contact, which ring simultaneously. */
export function destinationsOf(node: Node, leg: DialLeg): readonly (Destination | NoDestination)[] {
  switch (leg.endpoint) {
    case 'sofia':
      return [sofia(node, leg)];
    case 'user':
      return user(node, leg);
    case 'error':
      return [{ cause: errorCause(leg.data) }];
    default:
      return [{ cause: 'CHAN_NOT_IMPLEMENTED' }];
  }
}

function errorCause(name: string): string {
  const cause = parseCause(name);
  return cause === 'NONE' ? 'DESTINATION_OUT_OF_ORDER' : cause;
}

function user(node: Node, leg: DialLeg): readonly (Destination | NoDestination)[] {
  const [name = '', domain = ''] = leg.data.split('@');
  const contacts = node.registrations.contacts(name, domain);
  if (contacts === undefined) return [{ cause: 'SUBSCRIBER_ABSENT' }];
  if (contacts.length === 0) return [{ cause: 'USER_NOT_REGISTERED' }];
  const variables = new Map([['dialed_user', name], ['dialed_domain', domain], ...leg.variables]);
  return contacts.map((contact) =>
    sofia(node, { endpoint: 'sofia', data: `internal/${contact}`, variables }),
  );
}

function sofia(node: Node, leg: DialLeg): Destination | NoDestination {
  const data = leg.data.split('^', 1)[0] ?? '';
  if (data === '') return { cause: 'DESTINATION_OUT_OF_ORDER' };
  return data.startsWith('gateway/')
    ? throughGateway(node, leg, data.slice(8))
    : throughProfile(node, leg, data);
}

function throughGateway(node: Node, leg: DialLeg, data: string): Destination | NoDestination {
  const slash = data.indexOf('/');
  if (slash < 0) return { cause: 'INVALID_URL' };
  const gateway = gatewayName(node, data.slice(0, slash));
  if (!node.gateways.has(gateway)) return { cause: 'INVALID_GATEWAY' };
  const dialled = data.slice(slash + 1).split(';', 1)[0] ?? '';
  const [number = '', host = '127.0.0.1:5060'] = dialled.split('@');
  return {
    endpoint: leg.endpoint,
    channelName: `sofia/external/${dialled}`,
    address: leg.data,
    gateway,
    profile: 'external',
    number,
    host,
    variables: leg.variables,
  };
}

/** A gateway may be named with its profile, `external::gw`. */
function gatewayName({ profiles }: Node, name: string): string {
  const [profile = '', gateway] = name.split('::');
  return gateway !== undefined && profiles.has(profile) ? gateway : name;
}

function throughProfile(node: Node, leg: DialLeg, data: string): Destination | NoDestination {
  const slash = data.indexOf('/');
  if (slash < 0) return { cause: 'INVALID_URL' };
  const profile = data.slice(0, slash);
  if (!node.profiles.has(profile)) return { cause: 'INVALID_PROFILE' };
  const dialled = data.slice(slash + 1);
  const url = /^sips?:/i.test(dialled) || dialled.includes('@') ? dialled : registered(node, dialled);
  if (url === undefined) return { cause: 'USER_NOT_REGISTERED' };
  const { user, host } = parseAddress(url);
  return {
    endpoint: leg.endpoint,
    channelName: `sofia/${profile}/${dialled.split(';', 1)[0]}`,
    address: leg.data,
    gateway: undefined,
    profile,
    number: user,
    host,
    variables: leg.variables,
  };
}

/** The contact of USER%DOMAIN, or of a USER of the default domain. */
function registered(node: Node, dialled: string): string | undefined {
  const [name = '', domain = ''] = dialled.split('%');
  return node.registrations.contacts(name, domain)?.[0];
}
