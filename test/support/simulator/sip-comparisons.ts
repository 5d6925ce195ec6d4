import { setTimeout as sleep } from 'node:timers/promises';
import type { Callee, Header } from '#test/support/cases/case-node.ts';
import type { LifeNode, LifePlaced, LifeScript } from '#test/support/cases/life/node.ts';
import { until } from '#test/support/until.ts';

type Place = (callees: LifeScript['callees'], more?: Partial<LifeScript>) => LifePlaced;

/** A call whose SIP messages are compared. */
export interface SipComparison {
  readonly name: string;
  readonly applications: readonly string[];
  /** By default a call to 1, which answers and is hung up by the caller. */
  readonly run?: (place: Place, node: LifeNode) => Promise<void>;
  readonly headers?: readonly Header[];
  readonly callee?: Callee;
}

export const CALLED = '13800138000';
export const CALLER = '13900001111';
const NEXT = '778';
const BRIDGE = `bridge sofia/gateway/gw/${CALLED}`;
export const ANSWERS: Callee = { ringAt: 20, answerAt: 80 };
const PAI = [['P-Asserted-Identity', `"Real" <sip:${CALLED}9@gw>`]] as const;
const from = (...headers: Header[]) => ({ headers });
/** Apart in time, so that messages of both sides keep their order. */
const PAUSE_MS = 300;

async function moved(place: Place, move: (call: LifePlaced, called: LifePlaced['caller']) => void) {
  const call = place({ [CALLED]: ANSWERS, [NEXT]: ANSWERS });
  const called = await call.callee(CALLED);
  await call.talking;
  await sleep(PAUSE_MS);
  move(call, called as LifePlaced['caller']);
  await sleep(2 * PAUSE_MS);
  return call;
}

const updates = async (place: Place): Promise<void> => {
  const call = await moved(place, (_, called) => called.update(PAI));
  call.caller.bye();
  await call.ended;
};

async function blind(place: Place, by: 'caller' | 'called'): Promise<void> {
  const call = await moved(place, ({ caller }, called) =>
    (by === 'caller' ? caller : called).refer(`direct-${NEXT}`),
  );
  const next = await call.callee(NEXT);
  await sleep(PAUSE_MS);
  next.bye();
  await call.ended;
}

async function attended(place: Place): Promise<void> {
  const call = place({ [CALLED]: ANSWERS });
  const called = await call.callee(CALLED);
  await call.talking;
  const second = place(
    { [NEXT]: ANSWERS },
    { destination: `direct-${NEXT}`, caller: { number: '777', name: 'Desk' } },
  );
  const target = await second.callee(NEXT);
  await second.talking;
  await sleep(PAUSE_MS);
  called.refer(NEXT, second.caller);
  await sleep(3 * PAUSE_MS);
  target.bye();
  await Promise.all([call.ended, second.ended]);
}

export const SIP_COMPARISONS: readonly SipComparison[] = [
  { name: 'an answer', applications: [BRIDGE] },
  { name: 'early media', applications: [BRIDGE], callee: { mediaAt: 20, answerAt: 300 } },
  {
    name: 'a refusal with headers',
    applications: [BRIDGE],
    callee: {
      steps: [{ at: 20, status: 486, headers: [...PAI, ['X-Callee', '1'], ['Reason', 'Q.850;cause=17']] }],
    },
  },
  { name: 'a refusal by FreeSWITCH', applications: ['hangup USER_BUSY'] },
  { name: 'a refusal after early media', applications: ['pre_answer', 'sleep 100', 'respond 503'] },
  { name: 'no such gateway', applications: ['bridge sofia/gateway/nosuch/1', 'hangup 21'] },
  ...[
    [['P-Asserted-Identity', `"Network" <sip:+4930@127.0.0.1>`]],
    [
      ['P-Asserted-Identity', '<sip:+4930@127.0.0.1>'],
      ['Privacy', 'id'],
    ],
    [
      ['P-Asserted-Identity', '<sip:+4930@127.0.0.1>'],
      ['Privacy', 'user;id'],
    ],
    [['Privacy', 'header']],
    [['Remote-Party-ID', '"R" <sip:+4930@127.0.0.1>;party=calling;privacy=full;screen=yes']],
    [['Remote-Party-ID', '<sip:+4930@127.0.0.1>;party=calling;privacy=name']],
    [['Remote-Party-ID', '<sip:+4930@127.0.0.1>;party=calling;screen=no']],
    [['P-Preferred-Identity', '"P" <sip:+4930@127.0.0.1>']],
    [
      ['Remote-Party-ID', '<sip:+4931@127.0.0.1>;privacy=full'],
      ['P-Asserted-Identity', '<sip:+4930@127.0.0.1>'],
    ],
  ].map(
    (headers): SipComparison => ({
      name: `a caller with ${headers.map((one) => one.join(': ')).join(', ')}`,
      applications: [BRIDGE],
      headers: headers as unknown as Header[],
    }),
  ),
  {
    name: 'headers of the caller',
    applications: [BRIDGE],
    ...from(
      ['X-Real-Number', '4915'],
      ['P-Charge-Info', '<sip:4915@127.0.0.1>'],
      ['Diversion', '<sip:4915@127.0.0.1>;reason=unknown'],
      ['History-Info', '<sip:4915@127.0.0.1>;index=1'],
      ['User-to-User', '00'],
      ['K-One', '1'],
      ['Z-One', '1'],
      ['Subject', '4915'],
      ['Accept-Language', 'en'],
    ),
  },
  {
    name: 'headers of the caller, not copied',
    applications: ['set sip_copy_custom_headers=false', BRIDGE],
    ...from(['X-Real-Number', '4915'], ['P-Charge-Info', '<sip:4915@127.0.0.1>']),
  },
  ...[
    BRIDGE,
    `bridge [sip_copy_custom_headers=false,ignore_display_updates=true]sofia/gateway/gw/${CALLED}`,
  ].map(
    (bridge, index): SipComparison => ({
      name: `identity and headers of the called party${index === 0 ? '' : ', ignored'}`,
      applications: [bridge],
      callee: {
        steps: [
          { at: 20, status: 180, headers: [...PAI, ['X-Callee', '1'], ['Diversion', '<sip:1@gw>']] },
          { at: 150, status: 183, sdp: true, headers: [['Remote-Party-ID', '"R" <sip:4711@gw>']] },
          { at: 300, status: 200, headers: [['X-Callee', '2'], ['X-Other', '3'], ...PAI] },
        ],
      },
    }),
  ),
  {
    name: 'identities that variables of the caller leg set',
    applications: ['set initial_callee_id_number=95588', 'set initial_callee_id_name=Shop', BRIDGE],
  },
  {
    name: 'effective_callee_id',
    applications: ['set effective_callee_id_number=95588', 'set effective_callee_id_name=Shop', BRIDGE],
  },
  ...[
    'origination_callee_id_number=95588,origination_callee_id_name=Shop',
    'origination_caller_id_number=95588,origination_caller_id_name=Shop',
    'origination_caller_id_number=95588,origination_privacy=screen',
    'origination_privacy=hide_name:hide_number',
    'origination_privacy=screen:hide_name:hide_number,sip_cid_type=pid,sip_from_uri=anonymous@anonymous.invalid,sip_from_display=Anonymous',
    'sip_cid_type=pid,origination_privacy=screen,sip_invite_from_uri=sip:anonymous@anonymous.invalid',
    'sip_cid_type=pid',
    'sip_cid_type=none',
    'sip_h_X-Order=A-17',
  ].map(
    (variables): SipComparison => ({
      name: `the dial string variables ${variables}`,
      applications: [`bridge [${variables}]sofia/gateway/gw/${CALLED}`],
      headers: [['P-Asserted-Identity', '<sip:+4930@127.0.0.1>']],
    }),
  ),
  ...[
    [['User-Agent', 'Yealink SIP-T46S']],
    [['User-Agent', 'snom821/8.7.5.35']],
    [['User-Agent', 'snom360/8.3.1']],
    [
      ['User-Agent', 'FreeSWITCH'],
      ['X-FS-Support', 'update_display,send_info'],
    ],
    [['User-Agent', 'Other']],
    [
      ['User-Agent', 'Yealink'],
      ['Allow', 'INVITE, ACK, BYE'],
    ],
  ].map(
    (headers): SipComparison => ({
      name: `an UPDATE of the called party to a ${headers.map(([, value]) => value).join()}`,
      applications: ['set hangup_after_bridge=true', BRIDGE],
      headers: headers as unknown as Header[],
      run: updates,
    }),
  ),
  ...['set ignore_display_updates=true', 'export nolocal:ignore_display_updates=true'].map(
    (application): SipComparison => ({
      name: `an UPDATE of the called party with ${application}`,
      applications: ['set hangup_after_bridge=true', application, BRIDGE],
      headers: [['User-Agent', 'Yealink SIP-T46S']],
      run: updates,
    }),
  ),
  {
    name: 'a re-INVITE of the called party',
    applications: ['set hangup_after_bridge=true', BRIDGE],
    headers: [['User-Agent', 'Yealink SIP-T46S']],
    run: async (place) => {
      const call = await moved(place, (_, called) => called.reinvite([...PAI, ['X-Callee', '1']]));
      call.caller.bye();
      await call.ended;
    },
  },
  ...(['caller', 'called'] as const).map(
    (by): SipComparison => ({
      name: `a blind transfer by the ${by}`,
      applications: ['set hangup_after_bridge=true', BRIDGE],
      headers: [
        ['User-Agent', 'Yealink SIP-T46S'],
        ['X-Real-Number', '4915'],
      ],
      run: (place) => blind(place, by),
    }),
  ),
  {
    name: 'a pickup',
    applications: [BRIDGE],
    headers: [['User-Agent', 'Yealink SIP-T46S']],
    run: async (place) => {
      const call = place({ [CALLED]: { ringAt: 20 } });
      await until('it rings', () => call.caller.statuses.includes(180));
      const picker = place({}, { destination: `pickup-${call.uuid}`, caller: { number: '1001', name: 'P' } });
      await call.caller.answered;
      await sleep(PAUSE_MS);
      call.caller.bye();
      await Promise.all([call.ended, picker.ended]);
    },
  },
  ...[[], ['set ignore_display_updates=true', 'set bridge_export_vars=ignore_display_updates']].map(
    (settings): SipComparison => ({
      name: `an attended transfer by the called party${settings.length === 0 ? '' : ', with bridge_export_vars'}`,
      applications: ['set hangup_after_bridge=true', ...settings, BRIDGE],
      headers: [['User-Agent', 'Yealink SIP-T46S']],
      run: attended,
    }),
  ),
  {
    name: 'uuid_bridge of two callers',
    applications: ['set hangup_after_bridge=true', BRIDGE],
    headers: [['User-Agent', 'Yealink SIP-T46S']],
    run: async (place, node) => {
      const call = place({ [CALLED]: ANSWERS });
      await call.talking;
      const second = place(
        { [NEXT]: ANSWERS },
        { destination: `direct-${NEXT}`, caller: { number: '777', name: 'Desk' } },
      );
      await second.talking;
      await sleep(PAUSE_MS);
      await node.api(`uuid_bridge ${call.uuid} ${second.uuid}`);
      await sleep(3 * PAUSE_MS);
      call.caller.bye();
      await Promise.all([call.ended, second.ended]);
    },
  },
  {
    name: 'a caller that cancels',
    applications: [BRIDGE],
    run: async (place) => {
      await place({ [CALLED]: { ringAt: 20 } }, { cancelAt: 300 }).ended;
    },
  },
  {
    name: 'phones that lose the race',
    applications: [`bridge sofia/gateway/gw/${CALLED},sofia/gateway/gw2/${NEXT}`],
    run: async (place) => {
      await place({ [CALLED]: { ringAt: 20, answerAt: 400 }, [NEXT]: { ringAt: 60 } }, { byeAt: 300 }).ended;
    },
  },
  {
    name: 'a redirect that is fatal',
    applications: [`bridge [outbound_redirect_fatal=true]sofia/gateway/gw/${CALLED}`, 'hangup 21'],
    callee: { redirect: { at: 20, contact: 'sip:5@127.0.0.1' } },
  },
  ...[301, 305, 380].map(
    (status): SipComparison => ({
      name: `${status} of the called party`,
      applications: [`bridge [outbound_redirect_fatal=true]sofia/gateway/gw/${CALLED}`, 'hangup 21'],
      callee: { steps: [{ at: 20, status, contact: 'sip:5@127.0.0.1' }] },
    }),
  ),
];
