import type { EndpointRequest } from '#libs/contract/endpoint.ts';
import type { Result } from '#libs/contract/results.ts';
import type { Callee, Invite } from './case-node.ts';

/** What the endpoint of a case answers to its request; `silent` never does. */
export type CaseAnswer =
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body: string }
  | 'silent';

/** One call from its dialplan to its last notification, as it must go on any FreeSWITCH. */
export interface Case {
  readonly name: string;
  /** The arguments of cti_bridge behind the URL, e.g. `500 500 1`; `undefined` sets no cti_bridge at all. */
  readonly bridge?: (url: string) => string | undefined;
  readonly answer: (request: EndpointRequest) => CaseAnswer;
  readonly callees?: Readonly<Record<string, Callee>>;
  readonly cancelAt?: number;
  readonly byeAt?: number;
  /** The INVITEs may leave in any order. */
  readonly anyOrder?: true;
  readonly expect: {
    readonly invites: readonly Partial<Invite>[];
    /** The SIP status the caller got, and the cause that came with it. */
    readonly status: number;
    readonly reason?: string;
    readonly result: Result | undefined;
    readonly error?: RegExp;
    /** Actions of the notifications that are delivered, in order. */
    readonly delivered: readonly string[];
    /** The main facts of the hangup notification. */
    readonly hangup?: Readonly<Record<string, unknown>>;
  };
}

const json = (body: unknown): CaseAnswer => ({ body: JSON.stringify(body) });
const answers: Callee = { ringAt: 20, answerAt: 60 };
const busy: Callee = { refuse: { at: 20, status: 486 } };
const fallback = { number: '999', via: 'gw' } as const;
const ANSWERED = ['ring', 'answer', 'hangup'];

/** A file that must never come into being. */
export const CANARY = '/tmp/dialhook-canary';

/** The dialplan's own target, reached only without a decision. */
export const FALLBACK_NUMBER = fallback.number;
const dialplanContinued = (result: Result, error?: RegExp): Case['expect'] => ({
  invites: [fallback],
  status: 200,
  result,
  ...(error === undefined ? {} : { error }),
  delivered: ANSWERED,
  hangup: { result, cause: 'NORMAL_CLEARING' },
});

const withArguments =
  (text: string) =>
  (url: string): string =>
    `${url} ${text}`;

export const CASES: readonly Case[] = [
  {
    name: 'gateway: rings, has early media, is answered, the caller hangs up',
    bridge: withArguments('3000 3000 1'),
    answer: () => json({ dial: { type: 'gateway', number: '123456', gateway: 'gw' } }),
    callees: { '123456': { ringAt: 20, mediaAt: 40, answerAt: 80 } },
    byeAt: 200,
    expect: {
      invites: [{ number: '123456', via: 'gw' }],
      status: 200,
      result: 'decided',
      delivered: ['ring', 'progress', 'answer', 'hangup'],
      hangup: {
        result: 'decided',
        cause: 'NORMAL_CLEARING',
        q850: 16,
        sip_status: 200,
        hangup_by: 'caller',
        tried: [{ cause: 'NONE' }],
      },
    },
  },
  {
    name: 'the called party hangs up',
    answer: () => json({ dial: { type: 'gateway', number: '123456', gateway: 'gw' } }),
    callees: { '123456': { ...answers, hangsUpAt: 150 } },
    expect: {
      invites: [{ number: '123456' }],
      status: 200,
      result: 'decided',
      delivered: ANSWERED,
      hangup: { cause: 'NORMAL_CLEARING', hangup_by: 'callee' },
    },
  },
  {
    name: 'variables reach the called leg, commas and all',
    answer: () =>
      json({
        variables: {
          origination_caller_id_number: 95588,
          absolute_codec_string: 'PCMA,PCMU',
          ignore_early_media: true,
        },
        dial: { type: 'gateway', number: '123456', gateway: 'gw' },
      }),
    callees: { '123456': answers },
    byeAt: 150,
    expect: {
      invites: [{ number: '123456', callerNumber: '95588', codecs: ['PCMA', 'PCMU'] }],
      status: 200,
      result: 'decided',
      delivered: ANSWERED,
    },
  },
  {
    name: 'ip',
    answer: () => json({ dial: { type: 'ip', number: '123456', ip: '10.0.0.9:5060', sofia: 'external' } }),
    callees: { '123456': answers },
    byeAt: 150,
    expect: {
      invites: [{ number: '123456', via: 'ip' }],
      status: 200,
      result: 'decided',
      delivered: ANSWERED,
    },
  },
  {
    name: 'user: the number is reached through the registered device',
    answer: () => json({ dial: { type: 'user', number: '123456', user: '1000' } }),
    callees: { '123456': answers },
    byeAt: 150,
    expect: {
      invites: [{ number: '123456', via: 'device' }],
      status: 200,
      result: 'decided',
      delivered: ANSWERED,
    },
  },
  {
    name: 'user with two contacts: one after the other',
    answer: () => json({ dial: { type: 'user', number: '123456', user: '2000' } }),
    callees: { '123456': busy },
    expect: {
      invites: [
        { number: '123456', via: 'device' },
        { number: '123456', via: 'device' },
      ],
      status: 486,
      reason: 'USER_BUSY',
      result: 'decided',
      delivered: ['hangup'],
      hangup: { cause: 'USER_BUSY', q850: 17, hangup_by: 'callee' },
    },
  },
  {
    name: 'user that is not registered',
    answer: () => json({ dial: { type: 'user', number: '123456', user: '4000' } }),
    byeAt: 150,
    expect: dialplanContinued('user_not_registered', /4000/),
  },
  {
    name: 'dialstring with braces',
    answer: () =>
      json({
        dial: {
          type: 'dialstring',
          dialstring:
            "{origination_caller_id_number=777,absolute_codec_string='PCMA,PCMU'}sofia/gateway/gw2/158",
        },
      }),
    callees: { '158': answers },
    byeAt: 150,
    expect: {
      invites: [{ number: '158', via: 'gw2', callerNumber: '777', codecs: ['PCMA', 'PCMU'] }],
      status: 200,
      result: 'decided',
      delivered: ANSWERED,
    },
  },
  {
    name: 'several numbers in a dial string: the first fails, then the second',
    answer: () =>
      json({ dial: { type: 'dialstring', dialstring: 'sofia/gateway/gw/111,sofia/gateway/gw2/222' } }),
    callees: { '111': busy, '222': answers },
    byeAt: 150,
    expect: {
      invites: [
        { number: '111', via: 'gw' },
        { number: '222', via: 'gw2' },
      ],
      status: 200,
      result: 'decided',
      delivered: ANSWERED,
      hangup: {
        cause: 'NORMAL_CLEARING',
        tried: [{ cause: 'USER_BUSY' }, { cause: 'NONE' }],
      },
    },
  },
  {
    name: 'a call that was answered is never dialled on',
    answer: () =>
      json({ dial: { type: 'dialstring', dialstring: 'sofia/gateway/gw/111,sofia/gateway/gw2/222' } }),
    callees: { '111': { ...answers, hangsUpAt: 150 }, '222': answers },
    expect: { invites: [{ number: '111', via: 'gw' }], status: 200, result: 'decided', delivered: ANSWERED },
  },
  {
    name: 'simultaneous: the first to answer wins',
    answer: () =>
      json({
        strategy: 'simultaneous',
        dial: [
          { type: 'gateway', number: '111', gateway: 'gw' },
          { type: 'gateway', number: '222', gateway: 'gw2' },
        ],
      }),
    callees: { '111': { ringAt: 20, answerAt: 5000 }, '222': { ringAt: 40, answerAt: 120 } },
    byeAt: 150,
    anyOrder: true,
    expect: {
      invites: [{ number: '111' }, { number: '222' }],
      status: 200,
      result: 'decided',
      delivered: ['ring', 'ring', 'answer', 'hangup'],
    },
  },
  {
    name: 'a list of targets, the last of which does not answer: the caller gets its cause',
    answer: () =>
      json({
        dial: [
          { type: 'gateway', number: '111', gateway: 'gw' },
          // FreeSWITCH counts whole seconds of the clock on the wall: one of them may be over at once.
          { type: 'dialstring', dialstring: '{originate_timeout=2}sofia/gateway/gw2/222' },
        ],
      }),
    callees: { '111': busy, '222': { ringAt: 20 } },
    expect: {
      invites: [{ number: '111' }, { number: '222' }],
      status: 480,
      reason: 'NO_ANSWER',
      result: 'decided',
      delivered: ['ring', 'hangup'],
      hangup: { cause: 'NO_ANSWER', q850: 19 },
    },
  },
  {
    name: 'a final cause ends the call though there are targets left',
    answer: () =>
      json({
        final_causes: ['USER_BUSY'],
        dial: { type: 'dialstring', dialstring: 'sofia/gateway/gw/111,sofia/gateway/gw2/222' },
      }),
    callees: { '111': busy, '222': answers },
    expect: {
      invites: [{ number: '111' }],
      status: 486,
      reason: 'USER_BUSY',
      result: 'decided',
      delivered: ['hangup'],
    },
  },
  {
    name: 'on_fail: request sends another request, with tried',
    answer: ({ attempt, tried }) =>
      attempt === 1
        ? json({
            variables: { origination_caller_id_number: '95588' },
            dial: { type: 'gateway', number: '111', gateway: 'gw' },
            on_fail: 'request',
          })
        : json({
            dial: {
              type: 'gateway',
              number: tried[0]?.cause === 'USER_BUSY' ? '222' : '333',
              gateway: 'gw2',
            },
          }),
    callees: { '111': busy, '222': answers },
    byeAt: 150,
    expect: {
      invites: [
        { number: '111', via: 'gw', callerNumber: '95588' },
        { number: '222', via: 'gw2', callerNumber: '13800138000' },
      ],
      status: 200,
      result: 'decided',
      delivered: ANSWERED,
    },
  },
  {
    name: 'no decision for the second request: the caller gets the cause of the failed dial',
    answer: ({ attempt }) =>
      attempt === 1
        ? json({ dial: { type: 'gateway', number: '111', gateway: 'gw' }, on_fail: 'request' })
        : { status: 500, body: '' },
    callees: { '111': busy },
    expect: {
      invites: [{ number: '111' }],
      status: 486,
      reason: 'USER_BUSY',
      result: 'http_status',
      delivered: ['hangup'],
      hangup: { cause: 'USER_BUSY', result: 'http_status' },
    },
  },
  {
    name: 'on_fail: request ends after five requests',
    answer: () => json({ dial: { type: 'gateway', number: '111', gateway: 'gw' }, on_fail: 'request' }),
    callees: { '111': busy },
    expect: {
      invites: [1, 2, 3, 4, 5].map(() => ({ number: '111' })),
      status: 486,
      reason: 'USER_BUSY',
      result: 'decided',
      delivered: ['hangup'],
    },
  },
  {
    name: 'the caller cancels a dial with on_fail: request',
    answer: () => json({ dial: { type: 'gateway', number: '111', gateway: 'gw' }, on_fail: 'request' }),
    callees: { '111': { ringAt: 20 } },
    cancelAt: 300,
    expect: {
      invites: [{ number: '111' }],
      status: 487,
      result: 'decided',
      delivered: ['ring', 'hangup'],
      hangup: { cause: 'ORIGINATOR_CANCEL' },
    },
  },
  {
    name: 'the fallback URL gets the request when the first cannot be reached',
    bridge: (url) => `http://127.0.0.1:9/closed 1000 1000 0 ${url}`,
    answer: () => json({ dial: { type: 'gateway', number: '123456', gateway: 'gw' } }),
    callees: { '123456': answers },
    byeAt: 150,
    expect: { invites: [{ number: '123456' }], status: 200, result: 'decided', delivered: [] },
  },
  {
    name: 'busy',
    answer: () => json({ dial: { type: 'gateway', number: '123456', gateway: 'gw' } }),
    callees: { '123456': busy },
    expect: {
      invites: [{ number: '123456' }],
      status: 486,
      reason: 'USER_BUSY',
      result: 'decided',
      delivered: ['hangup'],
      hangup: { cause: 'USER_BUSY', q850: 17, sip_status: 486, hangup_by: 'callee', billable_ms: 0 },
    },
  },
  {
    name: 'a gateway that does not exist',
    answer: () => json({ dial: { type: 'gateway', number: '123456', gateway: 'nosuch' } }),
    expect: {
      invites: [],
      status: 484,
      reason: 'INVALID_GATEWAY',
      result: 'decided',
      delivered: ['hangup'],
      hangup: {
        ...{ cause: 'INVALID_GATEWAY', q850: 16, hangup_by: 'freeswitch' },
        ...{ billable_ms: 0, tried: [] },
      },
    },
  },
  {
    name: 'hangup by cause number',
    answer: () => json({ dial: { type: 'hangup', cause: 17 } }),
    expect: { invites: [], status: 486, reason: 'USER_BUSY', result: 'decided', delivered: ['hangup'] },
  },
  {
    name: 'hangup by cause name',
    answer: () => json({ dial: { type: 'hangup', cause: 'UNALLOCATED_NUMBER' } }),
    expect: {
      invites: [],
      status: 404,
      reason: 'UNALLOCATED_NUMBER',
      result: 'decided',
      delivered: ['hangup'],
    },
  },
  {
    name: 'hangup by sipcode',
    answer: () => json({ dial: { type: 'hangup', sipcode: 503 } }),
    expect: { invites: [], status: 503, result: 'decided', delivered: ['hangup'] },
  },
  {
    name: 'hangup with neither',
    answer: () => json({ dial: { type: 'hangup' } }),
    expect: { invites: [], status: 480, reason: 'NORMAL_CLEARING', result: 'decided', delivered: ['hangup'] },
  },
  {
    name: 'the caller cancels before the decision',
    answer: () => 'silent',
    cancelAt: 200,
    expect: {
      invites: [],
      status: 487,
      result: undefined,
      delivered: ['hangup'],
      hangup: { cause: 'ORIGINATOR_CANCEL', hangup_by: 'caller', tried: [] },
    },
  },
  {
    name: 'the caller cancels while it rings',
    answer: () =>
      json({ dial: { type: 'dialstring', dialstring: 'sofia/gateway/gw/111,sofia/gateway/gw2/222' } }),
    callees: { '111': { ringAt: 20 }, '222': answers },
    cancelAt: 300,
    expect: {
      invites: [{ number: '111' }],
      status: 487,
      result: 'decided',
      delivered: ['ring', 'hangup'],
      hangup: { cause: 'ORIGINATOR_CANCEL', hangup_by: 'caller' },
    },
  },
  {
    name: 'notify type 0: decided, no notifications',
    bridge: withArguments('3000 3000 0'),
    answer: () => json({ dial: { type: 'gateway', number: '123456', gateway: 'gw' } }),
    callees: { '123456': answers },
    byeAt: 150,
    expect: { invites: [{ number: '123456' }], status: 200, result: 'decided', delivered: [] },
  },
  {
    name: 'response timeout',
    bridge: withArguments('500 300'),
    answer: () => 'silent',
    byeAt: 150,
    expect: dialplanContinued('response_timeout', /300 ms/),
  },
  {
    name: 'the endpoint answers 500',
    answer: () => ({ status: 500, body: 'oops' }),
    byeAt: 150,
    expect: dialplanContinued('http_status', /500/),
  },
  {
    name: 'the endpoint answers what is not JSON',
    answer: () => ({ body: 'dial 123456' }),
    byeAt: 150,
    expect: dialplanContinued('invalid_json'),
  },
  {
    name: 'the endpoint answers what is not a decision',
    answer: () => json({ dial: { type: 'gateway', number: '1,2', gateway: 'gw' } }),
    byeAt: 150,
    expect: dialplanContinued('invalid_decision', /dial\.number/),
  },
  {
    name: 'a shell command in a number is refused',
    answer: () => json({ dial: { type: 'gateway', number: `\${system(touch ${CANARY})}`, gateway: 'gw' } }),
    byeAt: 150,
    expect: dialplanContinued('invalid_decision', /dial\.number/),
  },
  {
    name: 'wrong arguments: text for a timeout',
    bridge: withArguments('soon'),
    answer: () => json({ dial: { type: 'gateway', number: '123456', gateway: 'gw' } }),
    byeAt: 150,
    expect: {
      invites: [fallback],
      status: 200,
      result: 'invalid_arguments',
      error: /connect timeout/,
      delivered: [],
    },
  },
  {
    name: 'wrong arguments: no URL',
    bridge: () => undefined,
    answer: () => json({ dial: { type: 'gateway', number: '123456', gateway: 'gw' } }),
    byeAt: 150,
    expect: { invites: [fallback], status: 200, result: 'invalid_arguments', error: /URL/, delivered: [] },
  },
  {
    name: 'wrong arguments: an unknown scheme',
    bridge: (url) => url.replace('http:', 'ftp:'),
    answer: () => json({ dial: { type: 'gateway', number: '123456', gateway: 'gw' } }),
    byeAt: 150,
    expect: { invites: [fallback], status: 200, result: 'invalid_arguments', error: /http/, delivered: [] },
  },
  {
    name: 'nothing listens at the URL',
    bridge: () => 'http://127.0.0.1:9/closed 1000 1000 0',
    answer: () => 'silent',
    byeAt: 150,
    expect: { invites: [fallback], status: 200, result: 'connection_failed', delivered: [] },
  },
];
