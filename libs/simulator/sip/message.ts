/** A SIP header. */
export type Header = readonly [name: string, value: string];

/** One SIP message between FreeSWITCH and a party, with the headers that carry identities. */
export interface SipMessage {
  /** By the node's clock, ms. */
  readonly at: number;
  /** The uuid of the leg. */
  readonly leg: string;
  readonly side: 'caller' | 'called';
  /** The number dialled: by the caller, or to reach the called party. */
  readonly number: string;
  /** Sent by the party; otherwise by FreeSWITCH. */
  readonly byParty: boolean;
  /** `INVITE sip:1@10.0.0.9 SIP/2.0` or `SIP/2.0 200 OK`. */
  readonly start: string;
  readonly headers: readonly Header[];
  /** SDP or sipfrag; empty without a body. */
  readonly body: string;
}

export type OnMessage = (message: SipMessage) => void;

/** The first value of a header; undefined without one. */
export const headerOf = (headers: readonly Header[], name: string): string | undefined =>
  headers.find(([given]) => given.toLowerCase() === name.toLowerCase())?.[1];

/** The parts of a SIP address: `"Alice" <sip:1001@10.0.0.9;user=phone>;privacy=full`. */
export interface Address {
  /** Empty without one. */
  readonly display: string;
  /** With its parameters (`;npdi`); empty without one. */
  readonly user: string;
  /** With its port if it has one. */
  readonly host: string;
  /** Behind the address, or behind the host: `;privacy=full`. */
  readonly parameters: string;
}

export function parseAddress(text: string): Address {
  const [, display = '', bracketed, behind = ''] = /^\s*"?([^"<]*)"?\s*<([^>]*)>(.*)$/.exec(text) ?? [];
  const given = bracketed ?? text.trim();
  const tel = /^tel:([^;?]*)(.*)$/i.exec(given);
  const uri = tel === null ? given.replace(/^sips?:/i, '') : `${tel[1]}@${tel[2]}`;
  const at = uri.lastIndexOf('@');
  const [host = '', ...parameters] = uri.slice(at + 1).split(/(?=[;?])/);
  return {
    display: display.trim(),
    user: at < 0 ? '' : uri.slice(0, at),
    host,
    parameters: `${parameters.join('')}${behind}`,
  };
}

/** SDP of telephone audio at this port of the sender. */
export const sdp = (port: number): string => `v=0\r\nm=audio ${port} RTP/AVP 0 8\r\n`;
