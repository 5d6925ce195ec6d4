import { setTimeout as sleep } from 'node:timers/promises';
import type { EndpointRequest } from '#libs/contract/endpoint.ts';
import type { Callee, Step } from '#test/support/cases/case-node.ts';
import { KEEP_CALLER, type LifeHarness } from '#test/support/cases/life/harness.ts';
import type { LifeNode, LifePlaced } from '#test/support/cases/life/node.ts';
import { until } from '#test/support/until.ts';

/** One call, or two, through FreeSWITCH and the real services, and what the endpoint gets to know of it. */
export interface Story {
  readonly name: string;
  /** Why the simulator cannot show it. */
  readonly onlyFreeSwitch?: string;
  readonly decide: (request: EndpointRequest) => object;
  readonly run: (place: Place, freeswitch: LifeNode) => Promise<void>;
  /** The notifications of each call by the number dialled, each as `line` writes it; a call's are in this order. */
  readonly expect: Readonly<Record<string, readonly string[]>>;
  /** The requests after the first, as `requestLine` writes them. */
  readonly requests?: readonly string[];
}

type Place = LifeHarness['place'];

const gw = (number: string, gateway = 'gw') => ({ type: 'gateway', number, gateway });
const ANSWERS: Callee = { ringAt: 20, answerAt: 80 };
const TALK_MS = 300;
const DIALLED = '95588';

/** A callee with these responses. */
const steps = (...all: Step[]): Callee => ({ steps: all });
const MEDIA: Step = { at: 20, status: 183, sdp: true };

const toOne = () => ({ dial: gw('1') });
const toBoth = () => ({ dial: [gw('1'), gw('2', 'gw2')] });
/** Dials 7777 for 97777. */
const toDialled = ({ destination_number }: EndpointRequest) => ({ dial: gw(destination_number.slice(1)) });
const firstToOne = (request: EndpointRequest) => (request.reason === 'new' ? toOne() : toDialled(request));
const byeAfterTalk = { byeAt: TALK_MS };

async function talk(call: LifePlaced, number: string) {
  const party = await call.callee(number);
  await call.talking;
  await sleep(TALK_MS);
  return party;
}

/** The new party talks for a moment and hangs up. */
async function finish(call: LifePlaced, number: string): Promise<void> {
  const party = await call.callee(number);
  await sleep(TALK_MS);
  party.bye();
  await call.ended;
}

const ended = async (call: LifePlaced): Promise<void> => void (await call.ended);

async function attended(place: Place, by: 'callee' | 'caller'): Promise<void> {
  const call = place({ '5588': ANSWERS });
  const one = await talk(call, '5588');
  const consultation = place({ '7777': ANSWERS }, { destination: '97777' });
  const two = await talk(consultation, '7777');
  const transferor = by === 'callee' ? one : call.caller;
  transferor.refer('97777', consultation.caller);
  await Promise.all([transferor.ended, consultation.caller.ended]);
  await sleep(TALK_MS);
  two.bye();
  await Promise.all([call.ended, consultation.ended]);
}

/** The transfer comes while the second party still rings. It `answers` a second later, or is busy. */
async function attendedRinging(place: Place, by: 'callee' | 'caller', answers: boolean): Promise<void> {
  const call = place({ '5588': ANSWERS });
  const one = await talk(call, '5588');
  const second = answers ? { ringAt: 20, answerAt: 1000 } : { ringAt: 20, refuse: { at: 1000, status: 486 } };
  const consultation = place({ '7777': second }, { destination: '97777' });
  await until('it rings', () => consultation.caller.statuses.includes(180));
  const transferor = by === 'callee' ? one : call.caller;
  transferor.refer('97777', consultation.caller);
  if (answers) await finish(consultation, '7777');
  // FreeSWITCH gives the caller the variables of the second call, by which the test would find its end.
  await Promise.all([answers ? call.ended : call.caller.ended, consultation.ended]);
}

/** 1 talks with the caller and calls 2 with the application `att_xfer`, as a feature of a dialplan does. */
async function consult(place: Place, freeswitch: LifeNode, second: Callee) {
  const call = place({ '1': ANSWERS, '2': second });
  const one = await talk(call, '1');
  const leg = (await freeswitch.api(`uuid_getvar ${call.uuid} bridge_uuid`)).trim();
  await freeswitch.api(`uuid_setvar ${call.uuid} ${KEEP_CALLER}`);
  await freeswitch.api(`uuid_broadcast ${leg} att_xfer::sofia/gateway/gw2/2 aleg`);
  await sleep(1000);
  return { call, one };
}

async function byOperator(place: Place, freeswitch: LifeNode, legs: string, to: string): Promise<void> {
  const call = place({ '1': ANSWERS, '2': ANSWERS, '7777': ANSWERS });
  await talk(call, '1');
  // Beyond the second in which the leg was created: the transfer history has whole seconds.
  await sleep(1000);
  await freeswitch.api(`uuid_transfer ${call.uuid} ${legs} ${to}`);
  if (to.startsWith('park')) {
    await sleep(TALK_MS);
    call.caller.bye();
  } else await finish(call, to.startsWith('direct-2') ? '2' : '7777');
  await call.ended;
}

/** What the simulator does not show. */
const CONSULTED = 'the simulator does not name the call to which a called party transfers';
const PICKUP = 'the simulator ends the phone that picked up with the call';
const BLEG = 'the simulator transfers the caller leg only';
const ATT_XFER = 'the simulator has no application att_xfer';
const INLINE = 'the simulator does not name the extension of an inline dialplan';

export const STORIES: readonly Story[] = [
  {
    name: 'the called party answers',
    decide: toOne,
    run: (place) => ended(place({ '1': ANSWERS }, byeAfterTalk)),
    expect: { [DIALLED]: ['ring 1', 'answer 1', 'leg_end 1 NORMAL_CLEARING', 'hangup talk 1:NONE'] },
  },
  {
    name: 'the first target is busy after early media',
    decide: toBoth,
    run: (place) => {
      const busy = { at: 150, status: 486, headers: [['Reason', 'Q.850;cause=17']] } as const;
      return ended(place({ '1': steps(MEDIA, busy), '2': ANSWERS }, byeAfterTalk));
    },
    expect: {
      [DIALLED]: [
        'progress 1',
        'leg_end 1 USER_BUSY 486',
        'ring 2',
        'answer 2',
        'leg_end 2 NORMAL_CLEARING',
        'hangup talk 1:USER_BUSY:486:media 2:NONE',
      ],
    },
  },
  {
    name: 'the called party declines',
    decide: toOne,
    run: (place) => ended(place({ '1': { refuse: { at: 50, status: 603 } } })),
    expect: { [DIALLED]: ['leg_end 1 CALL_REJECTED 603', 'hangup silent 1:CALL_REJECTED:603'] },
  },
  {
    name: 'the endpoint is requested again after early media and a failure',
    decide: ({ reason }) =>
      reason === 'new' ? { ...toOne(), on_fail: 'request' } : { dial: gw('2', 'gw2') },
    run: (place) => ended(place({ '1': steps(MEDIA, { at: 150, status: 503 }), '2': ANSWERS }, byeAfterTalk)),
    expect: {
      [DIALLED]: [
        'progress 1',
        'leg_end 1 NORMAL_TEMPORARY_FAILURE 503',
        'ring 2',
        'answer 2',
        'leg_end 2 NORMAL_CLEARING',
        'hangup talk 1:NORMAL_TEMPORARY_FAILURE:503:media 2:NONE',
      ],
    },
    requests: ['failed 2 95588 1:NORMAL_TEMPORARY_FAILURE:503:media'],
  },
  {
    name: 'a redirect is a failure of its target',
    decide: toBoth,
    run: (place) => {
      const redirects = steps({ at: 50, status: 302, contact: 'sip:carol@127.0.0.9' });
      return ended(place({ '1': redirects, '2': ANSWERS }, byeAfterTalk));
    },
    expect: {
      [DIALLED]: [
        'leg_end 1 REQUESTED_CHAN_UNAVAIL 302 sip:carol@127.0.0.9',
        'ring 2',
        'answer 2',
        'leg_end 2 NORMAL_CLEARING',
        'hangup talk 1:REQUESTED_CHAN_UNAVAIL:302 2:NONE',
      ],
    },
  },
  {
    name: 'the endpoint is requested with the address of a redirect',
    decide: ({ reason }) =>
      reason === 'new' ? { ...toOne(), on_redirect: 'request' } : { dial: gw('2', 'gw2') },
    run: (place) => {
      const redirects = steps({ at: 50, status: 302, contact: 'sip:carol@127.0.0.9' });
      return ended(place({ '1': redirects, '2': ANSWERS }, byeAfterTalk));
    },
    expect: {
      [DIALLED]: [
        'leg_end 1 REQUESTED_CHAN_UNAVAIL 302 sip:carol@127.0.0.9',
        'ring 2',
        'answer 2',
        'leg_end 2 NORMAL_CLEARING',
        'hangup talk 1:REQUESTED_CHAN_UNAVAIL:302 2:NONE',
      ],
    },
    requests: ['redirect 2 95588 sip:carol@127.0.0.9 1:REQUESTED_CHAN_UNAVAIL:302'],
  },
  {
    name: 'of two phones that ring the second answers',
    decide: () => ({ ...toBoth(), strategy: 'simultaneous' }),
    run: (place) => ended(place({ '1': { ringAt: 20 }, '2': { ringAt: 200, answerAt: 400 } }, byeAfterTalk)),
    expect: {
      [DIALLED]: [
        'ring 1',
        'ring 2',
        'answer 2',
        'leg_end 1 LOSE_RACE',
        'leg_end 2 NORMAL_CLEARING',
        'hangup talk 1:LOSE_RACE:rang 2:NONE',
      ],
    },
  },
  {
    name: 'the caller cancels during early media',
    decide: toOne,
    run: async (place) => {
      const call = place({ '1': steps(MEDIA) });
      await until('there is early media', () => call.caller.statuses.includes(183));
      call.caller.cancel();
      await call.ended;
    },
    expect: {
      [DIALLED]: ['progress 1', 'leg_end 1 ORIGINATOR_CANCEL', 'hangup silent 1:ORIGINATOR_CANCEL:media'],
    },
  },
  {
    name: 'a 180 with SDP is early media',
    decide: toOne,
    run: (place) =>
      ended(
        place({ '1': steps({ at: 20, status: 180, sdp: true }, { at: 200, status: 200 }) }, byeAfterTalk),
      ),
    expect: { [DIALLED]: ['progress 1', 'answer 1', 'leg_end 1 NORMAL_CLEARING', 'hangup talk 1:NONE'] },
  },
  {
    name: 'a 183 without SDP is ringing',
    decide: toOne,
    run: (place) =>
      ended(place({ '1': steps({ at: 20, status: 183 }, { at: 200, status: 200 }) }, byeAfterTalk)),
    expect: { [DIALLED]: ['ring 1', 'answer 1', 'leg_end 1 NORMAL_CLEARING', 'hangup talk 1:NONE'] },
  },
  {
    name: 'the dialplan has answered and the called party is busy',
    decide: toOne,
    run: (place) => ended(place({ '1': { refuse: { at: 50, status: 486 } } }, { destination: 'menu' })),
    expect: { menu: ['leg_end 1 USER_BUSY 486', 'hangup silent 1:USER_BUSY:486'] },
  },
  {
    name: 'the dialplan has answered before the called party does',
    decide: toOne,
    run: (place) => ended(place({ '1': { ...ANSWERS, hangsUpAt: 600 } }, { destination: 'menu' })),
    expect: { menu: ['ring 1', 'answer 1', 'leg_end 1 NORMAL_CLEARING', 'hangup talk 1:NONE'] },
  },
  {
    name: 'the called party transfers the caller to an extension of the dialplan',
    decide: toOne,
    run: async (place) => {
      const call = place({ '1': ANSWERS, '2': ANSWERS });
      (await talk(call, '1')).refer('direct-2');
      await finish(call, '2');
    },
    expect: {
      [DIALLED]: [
        'ring 1',
        'answer 1',
        'leg_end 1 NORMAL_CLEARING',
        'transfer blind by callee 1 to direct-2',
        'ring 2',
        'answer 2',
        'leg_end 2 NORMAL_CLEARING',
        'hangup talk 1:NONE 2:NONE',
      ],
    },
  },
  {
    name: 'the called party transfers the caller to Dialhook',
    decide: firstToOne,
    run: async (place) => {
      const call = place({ '1': ANSWERS, '7777': ANSWERS });
      (await talk(call, '1')).refer('97777');
      await finish(call, '7777');
    },
    expect: {
      [DIALLED]: [
        'ring 1',
        'answer 1',
        'leg_end 1 NORMAL_CLEARING',
        'transfer blind by callee 1 to 97777',
        'ring 7777',
        'answer 7777',
        'leg_end 7777 NORMAL_CLEARING',
        'hangup talk 1:NONE 7777:NONE',
      ],
    },
    requests: ['transfer 2 97777 by callee 1:NONE'],
  },
  {
    name: 'the caller transfers the called party to an extension of the dialplan',
    decide: toOne,
    run: async (place) => {
      const call = place({ '1': ANSWERS, '2': ANSWERS });
      await talk(call, '1');
      call.caller.refer('direct-2');
      await finish(call, '2');
    },
    expect: {
      [DIALLED]: [
        'ring 1',
        'answer 1',
        'hangup talk 1:NONE',
        'transfer blind by caller to direct-2',
        'leg_end 2 NORMAL_CLEARING',
        'leg_end 1 NORMAL_CLEARING',
      ],
    },
  },
  {
    name: 'the caller transfers the called party to Dialhook',
    decide: firstToOne,
    run: async (place) => {
      const call = place({ '1': ANSWERS, '7777': ANSWERS });
      await talk(call, '1');
      call.caller.refer('97777');
      await finish(call, '7777');
    },
    expect: {
      [DIALLED]: [
        'ring 1',
        'answer 1',
        'leg_end 1 BLIND_TRANSFER',
        'transfer blind by caller to 97777 in 97777',
        'hangup talk 1:NONE',
      ],
      '97777': ['ring 7777', 'answer 7777', 'leg_end 7777 NORMAL_CLEARING', 'hangup talk 7777:NONE'],
    },
    requests: ['transfer 1 97777 by caller from 95588'],
  },
  {
    name: 'the called party transfers the caller with a consultation call',
    onlyFreeSwitch: CONSULTED,
    decide: toDialled,
    run: (place) => attended(place, 'callee'),
    expect: {
      [DIALLED]: [
        'ring 5588',
        'answer 5588',
        'leg_end 5588 NORMAL_CLEARING',
        'transfer attended by callee 5588 to 7777 in 97777',
        'hangup talk 5588:NONE',
      ],
      '97777': [
        'ring 7777',
        'answer 7777',
        'hangup talk 7777:NONE',
        'transfer attended by caller to 13900001111 in 95588',
        'leg_end 7777 NORMAL_CLEARING',
      ],
    },
    requests: ['new 1 97777'],
  },
  {
    name: 'the caller transfers the called party with a consultation call',
    decide: toDialled,
    run: (place) => attended(place, 'caller'),
    expect: {
      [DIALLED]: [
        'ring 5588',
        'answer 5588',
        'transfer attended by caller to 7777 in 97777',
        'hangup talk 5588:NONE',
        'leg_end 5588 NORMAL_CLEARING',
      ],
      '97777': [
        'ring 7777',
        'answer 7777',
        'hangup talk 7777:NONE',
        'transfer attended by caller to 5588 in 95588',
        'leg_end 7777 NORMAL_CLEARING',
      ],
    },
    requests: ['new 1 97777'],
  },
  {
    name: 'the called party transfers the caller to a call that still rings',
    onlyFreeSwitch: CONSULTED,
    decide: toDialled,
    run: (place) => attendedRinging(place, 'callee', true),
    expect: {
      [DIALLED]: [
        'ring 5588',
        'answer 5588',
        'leg_end 5588 NORMAL_CLEARING',
        'transfer attended by callee 5588 to 7777 in 97777',
        'hangup talk 5588:NONE',
      ],
      '97777': [
        'ring 7777',
        'answer 7777',
        'transfer attended by caller to 13900001111 in 95588',
        'hangup silent 7777:NONE',
        'leg_end 7777 NORMAL_CLEARING',
      ],
    },
    requests: ['new 1 97777'],
  },
  {
    name: 'the caller transfers the called party to a call that still rings',
    decide: toDialled,
    run: (place) => attendedRinging(place, 'caller', true),
    expect: {
      [DIALLED]: [
        'ring 5588',
        'answer 5588',
        'hangup talk 5588:NONE',
        'transfer attended by caller to 7777 in 97777',
        'leg_end 5588 NORMAL_CLEARING',
      ],
      '97777': [
        'ring 7777',
        'answer 7777',
        'transfer attended by caller to 5588 in 95588',
        'hangup silent 7777:NONE',
        'leg_end 7777 NORMAL_CLEARING',
      ],
    },
    requests: ['new 1 97777'],
  },
  {
    name: 'another phone picks the ringing call up',
    onlyFreeSwitch: PICKUP,
    decide: toOne,
    run: async (place) => {
      const call = place({ '1': { ringAt: 20 } });
      await until('it rings', () => call.caller.statuses.includes(180));
      const caller = { number: '4242', name: 'Picker' };
      const picker = place({}, { destination: `pickup-${call.uuid}`, caller });
      await call.caller.answered;
      await sleep(TALK_MS);
      picker.caller.bye();
      await Promise.all([call.ended, picker.ended]);
    },
    expect: {
      [DIALLED]: [
        'ring 1',
        'leg_end 1 PICKED_OFF',
        'answer 4242',
        'transfer pickup by other 1 to 4242',
        'leg_end 4242 NORMAL_CLEARING',
        'hangup talk 1:PICKED_OFF:rang',
      ],
    },
  },
  {
    name: 'the called party transfers the caller with att_xfer',
    onlyFreeSwitch: ATT_XFER,
    decide: toOne,
    run: async (place, freeswitch) => {
      const { call, one } = await consult(place, freeswitch, ANSWERS);
      one.bye();
      await one.ended;
      // FreeSWITCH connects the caller a moment later.
      await sleep(1000);
      call.caller.bye();
      await call.ended;
    },
    expect: {
      [DIALLED]: [
        'ring 1',
        'answer 1',
        'ring 2',
        'answer 2',
        'leg_end 1 NORMAL_CLEARING',
        'transfer attended by callee 1 to 2',
        'leg_end 2 NORMAL_CLEARING',
        'hangup talk 1:NONE',
      ],
    },
  },
  {
    name: 'the party that att_xfer calls is busy',
    onlyFreeSwitch: ATT_XFER,
    decide: toOne,
    run: async (place, freeswitch) => {
      const { call } = await consult(place, freeswitch, { ringAt: 20, refuse: { at: 500, status: 486 } });
      call.caller.bye();
      await call.ended;
    },
    expect: {
      [DIALLED]: [
        'ring 1',
        'answer 1',
        'ring 2',
        'leg_end 2 USER_BUSY 486',
        'leg_end 1 NORMAL_CLEARING',
        'hangup talk 1:NONE',
      ],
    },
  },
  {
    name: 'a phone takes the place of the caller',
    onlyFreeSwitch: 'the simulator does not read Replaces of an INVITE',
    decide: toOne,
    run: async (place) => {
      const call = place({ '1': ANSWERS });
      const one = await talk(call, '1');
      const caller = { number: '4242', name: 'Picker' };
      const headers = [['Replaces', call.caller.replaces]] as const;
      const phone = place({}, { destination: '4242', caller, headers });
      await call.caller.ended;
      await sleep(TALK_MS);
      one.bye();
      await phone.caller.ended;
    },
    expect: {
      [DIALLED]: [
        'ring 1',
        'answer 1',
        'transfer pickup by other to 4242',
        'leg_end 1 NORMAL_CLEARING',
        'hangup talk 1:NONE',
      ],
    },
  },
  {
    name: 'an operator transfers the caller',
    decide: firstToOne,
    run: async (place, freeswitch) => {
      const call = place({ '1': ANSWERS, '7777': ANSWERS });
      await talk(call, '1');
      await freeswitch.api(`uuid_transfer ${call.uuid} 97777 XML default`);
      await finish(call, '7777');
    },
    expect: {
      [DIALLED]: [
        'ring 1',
        'answer 1',
        'leg_end 1 NORMAL_CLEARING',
        'transfer blind by other 1 to 97777',
        'ring 7777',
        'answer 7777',
        'leg_end 7777 NORMAL_CLEARING',
        'hangup talk 1:NONE 7777:NONE',
      ],
    },
    requests: ['transfer 2 97777 by other 1:NONE'],
  },
  {
    name: 'an operator transfers the called party to Dialhook',
    onlyFreeSwitch: BLEG,
    decide: firstToOne,
    run: (place, freeswitch) => byOperator(place, freeswitch, '-bleg', '97777 XML default'),
    expect: {
      [DIALLED]: [
        'ring 1',
        'answer 1',
        'leg_end 1 BLIND_TRANSFER',
        'transfer blind by other to 97777 in 97777',
        'hangup talk 1:NONE',
      ],
      '97777': ['ring 7777', 'answer 7777', 'leg_end 7777 NORMAL_CLEARING', 'hangup talk 7777:NONE'],
    },
    requests: ['transfer 1 97777 by other from 95588'],
  },
  {
    name: 'an operator transfers the called party to an extension of the dialplan',
    onlyFreeSwitch: BLEG,
    decide: firstToOne,
    run: (place, freeswitch) => byOperator(place, freeswitch, '-bleg', 'direct-2 XML default'),
    expect: {
      [DIALLED]: [
        'ring 1',
        'answer 1',
        'transfer blind by other to direct-2',
        'hangup talk 1:NONE',
        'leg_end 2 NORMAL_CLEARING',
        'leg_end 1 NORMAL_CLEARING',
      ],
    },
  },
  {
    name: 'an operator transfers the caller to an extension that calls no other party',
    onlyFreeSwitch: INLINE,
    decide: firstToOne,
    run: (place, freeswitch) => byOperator(place, freeswitch, '', 'park inline'),
    expect: {
      [DIALLED]: [
        'ring 1',
        'answer 1',
        'leg_end 1 NORMAL_CLEARING',
        'transfer blind by other 1 to park',
        'hangup talk 1:NONE',
      ],
    },
  },
  // The last one, because the test never finds the end of its first call.
  {
    name: 'the called party transfers the caller to a call that rings and fails',
    onlyFreeSwitch: CONSULTED,
    decide: toDialled,
    run: (place) => attendedRinging(place, 'callee', false),
    expect: {
      [DIALLED]: [
        'ring 5588',
        'answer 5588',
        'leg_end 5588 NORMAL_CLEARING',
        'transfer attended by callee 5588 to 97777 in 97777',
        'hangup talk 5588:NONE',
      ],
      '97777': ['ring 7777', 'leg_end 7777 USER_BUSY 486', 'hangup silent 7777:USER_BUSY:486:rang'],
    },
    requests: ['new 1 97777'],
  },
];
