import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { perCallHeaders } from '#test/support/freeswitch/per-call-values.ts';
import { sdp } from '#test/support/freeswitch/sdp.ts';
import { header, parseSip, type SipMessage, statusOf } from '#test/support/freeswitch/sip-message.ts';
import { hostileText, mutateBytes, type Random } from './mutate.ts';
import type { RealNode } from './nodes.ts';
import type { Way } from './way.ts';

/** Values in the manner of RFC 4475 and PROTOS: legal but unusual, or illegal. */
const TORTURE: Readonly<Record<string, readonly string[]>> = {
  'Call-ID': [
    'abc%0Adef@h',
    '张三@h',
    'a,b;c',
    'a\\b\\c',
    '()<>@,;:\\"/[]?={} ',
    'x'.repeat(300),
    'x'.repeat(5_000),
    '%00',
  ],
  From: [
    '"J Rosenberg \\\\\\"" <sip:jdrosen@example.com>;tag=98asjd8',
    'sip:null-%00-null@example.com;tag=1',
    '<sip:100%2541@example.com>;tag=2',
    'I have spaces <sip:a@b>;tag=3',
    '"Unterminated <sip:a@b>;tag=4',
    "A. N. O'Brien 100% <sip:%E5%BC%A0%E4%B8%89@b;x=y?h=v>;tag=5",
    '"\u2028" <sip:anonymous@anonymous.invalid>;tag=6',
    '<tel:+13125550100;npdi;rn=+13125550199>;tag=7',
    `"${'n'.repeat(2_000)}" <sip:a@b>;tag=8`,
  ],
  To: [
    'isbn:2983792873',
    '<sip:5%252312@h>',
    '"" <sip:;@h>',
    '<sip:vivekg@chair-dnrc.example.com;unknownparam>',
  ],
  'Max-Forwards': ['0', '-1', '255', '99999999999999999999', 'x'],
  CSeq: ['0 INVITE', '4294967296 INVITE', '1  INVITE', '1 OPTIONS', '-1 INVITE'],
  Contact: ['<sip:a@127.0.0.1:99999>', '*', '"Caf\xc3" <sip:a@[::1]>', '<sips:a@b;lr;=;;>', ''],
  Privacy: ['id', 'id;header;user;critical', 'none', '\r\n folded'],
  'P-Asserted-Identity': ['"x" <sip:1@h>, <tel:2>', '<sip:${uuid}@h>', '<>'],
  'Remote-Party-ID': ['"x"<sip:1@h>;privacy=full;screen=no', ';;;;'],
  Diversion: ['<sip:1@h>;reason=x;counter=99999999999'],
  'Content-Length': ['-999', '0', '99999', 'x'],
  'User-Agent': ['\t', '${system(x)}'],
  'X-Note': ['a\r\n\tfolded', '%0d%0aX: y', '\x00'],
};

/** Most of these values reach the dialplan, so that the services get them. */
const ACCEPTED = [
  ...['Call-ID', 'From', 'Privacy', 'P-Asserted-Identity', 'Remote-Party-ID', 'Diversion', 'User-Agent'],
  'X-Note',
];

/** An INVITE to the test's dialplan with hostile headers or bytes. */
function invite(
  random: Random,
  port: number,
  branch: string,
  values: readonly (readonly [string, string])[],
): Buffer {
  const body = sdp(port);
  const headers = new Map<string, string>([
    ['Via', `SIP/2.0/UDP 127.0.0.1:${port};branch=${branch}`],
    ['From', `"Alice" <sip:1000@127.0.0.1>;tag=${random.below(1e9)}`],
    ['To', '<sip:2000@127.0.0.1>'],
    ['Call-ID', `${random.uuid()}`],
    ['CSeq', '1 INVITE'],
    ['Contact', `<sip:1000@127.0.0.1:${port}>`],
    ['Max-Forwards', '70'],
    ['Content-Type', 'application/sdp'],
    ['Content-Length', String(Buffer.byteLength(body))],
    ...values,
  ]);
  for (let n = 1 + random.below(2); n > 0; n--) {
    const name = random.pick(random.chance(0.7) ? ACCEPTED : Object.keys(TORTURE));
    const value = random.chance(0.7) ? random.pick(TORTURE[name] ?? []) : hostileText(random);
    // The Call-ID is the uuid of the channel: two calls must not share one.
    headers.set(name, name === 'Call-ID' ? `${random.below(1e9)}${value}` : value);
  }
  const user = random.chance(0.3)
    ? encodeURIComponent(hostileText(random).toWellFormed().slice(0, 300))
    : '2000';
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const whole = Buffer.from(`INVITE sip:${user}@127.0.0.1 SIP/2.0\r\n${lines}\r\n${body}`);
  return random.chance(0.1) ? mutateBytes(random, whole) : whole;
}

/** Upper bound of what loopback carries in one datagram, bytes. */
const MAX_DATAGRAM = 60_000;

/** Ends the INVITE transaction, so that FreeSWITCH does not send its response again. */
function ackOf(message: SipMessage): string | undefined {
  if (statusOf(message) < 200 || !header(message, 'CSeq').endsWith('INVITE')) return undefined;
  const copied = ['Via', 'From', 'To', 'Call-ID'].map((name) => `${name}: ${header(message, name)}\r\n`);
  const sequence = header(message, 'CSeq').replace('INVITE', 'ACK');
  return `ACK sip:2000@127.0.0.1 SIP/2.0\r\n${copied.join('')}CSeq: ${sequence}\r\nContent-Length: 0\r\n\r\n`;
}

/** INVITEs without a response at once: what FreeSWITCH and the services handle on two cores. */
const AT_ONCE = 32;
/** A hostile INVITE may get no response, or one that goes elsewhere. */
const NO_RESPONSE_MS = 300;
const SOCKETS = 4;

const branchOf = (message: SipMessage): string => /;branch=([\w-]+)/.exec(header(message, 'Via'))?.[1] ?? '';

/** A socket that sends INVITEs, acknowledges final responses, and says when an INVITE has got one. */
async function openCaller(sipPort: number) {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 }).bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const waiting = new Map<string, () => void>();
  socket.on('error', () => {});
  socket.on('message', (data) => {
    const message = parseSip(data.toString('utf8'));
    const ack = ackOf(message);
    if (ack === undefined) return;
    socket.send(ack, sipPort, '127.0.0.1');
    waiting.get(branchOf(message))?.();
  });
  const { port } = socket.address();
  return {
    port,
    close: () => void socket.close(),
    invite: async (branch: string, bytes: Buffer) => {
      if (bytes.length >= MAX_DATAGRAM) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, NO_RESPONSE_MS);
      waiting.set(branch, resolve);
      socket.send(bytes, sipPort, '127.0.0.1');
      await promise;
      clearTimeout(timer);
      waiting.delete(branch);
    },
  };
}

/** @param callIdAsUuid whether FreeSWITCH takes the uuid of a channel from the Call-ID. */
const sipWay = (name: string, callIdAsUuid: boolean): Way<RealNode> => ({
  name,
  what: `hostile INVITEs through a real FreeSWITCH ${callIdAsUuid ? 'with' : 'without'} inbound-use-callid-as-uuid`,
  atOnce: AT_ONCE,
  everyCallEnds: true,
  open: async (target, node) => {
    const callers = await Promise.all(Array.from({ length: SOCKETS }, () => openCaller(node.sipPort)));
    const values = perCallHeaders(node.script(target));
    return {
      close: () => {
        for (const caller of callers) caller.close();
      },
      run: async (random) => {
        const caller = random.pick(callers);
        const branch = `z9hG4bK${random.uuid()}`;
        await caller.invite(branch, invite(random, caller.port, branch, values));
      },
    };
  },
});

export const SIP_WAYS = [
  { way: sipWay('process-sip', true), callIdAsUuid: true },
  { way: sipWay('process-sip-own-uuid', false), callIdAsUuid: false },
] as const;
