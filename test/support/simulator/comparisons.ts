import type { Callee, CallScript } from '#test/support/cases/case-node.ts';

/** A call placed on both, with the applications that its agent transfers it to. */
export interface Comparison {
  readonly name: string;
  readonly applications: readonly string[];
  /** The applications when the call enters `socket` again, after a redirect or a transfer. */
  readonly again?: readonly string[];
  readonly callees?: Readonly<Record<string, Callee>>;
  readonly more?: Partial<CallScript>;
}

const answers: Callee = { ringAt: 20, answerAt: 80 };
const rings: Callee = { ringAt: 20 };
const refuses = (status: number, at = 20): Callee => ({ refuse: { at, status } });
const redirects = (contact: string, at = 20): Callee => ({ redirect: { at, contact } });

export const COMPARISONS: readonly Comparison[] = [
  ...[400, 403, 404, 408, 410, 480, 484, 486, 487, 488, 500, 501, 502, 503, 504, 600, 603, 604, 606].map(
    (status): Comparison => ({
      name: `the called party refuses with ${status}`,
      applications: ['bridge sofia/gateway/gw/1', 'hangup 21'],
      callees: { 1: refuses(status) },
    }),
  ),
  ...[1, 3, 17, 18, 19, 20, 21, 27, 28, 31, 34, 41, 58, 88, 102, 487, 602, 806, 808, 816].map(
    (cause): Comparison => ({ name: `hangup ${cause}`, applications: [`hangup ${cause}`] }),
  ),
  ...[400, 404, 486, 499, 503, 603].map(
    (status): Comparison => ({ name: `respond ${status}`, applications: [`respond ${status}`, 'hangup'] }),
  ),
  ...[
    'error/user_busy',
    'error/17',
    'sofia/gateway/nosuch/1',
    'sofia/gateway/gw',
    'sofia/nosuch/1@10.0.0.9',
    'nosuch/1',
  ].map(
    (endpoint): Comparison => ({
      name: `bridge ${endpoint}`,
      applications: [`bridge ${endpoint}`, 'hangup 21'],
    }),
  ),
  ...['sofia/internal/1@nowhere.invalid', 'sofia/internal/1@127.0.0.1:9'].map(
    (endpoint): Comparison => ({
      name: `an INVITE that cannot be delivered: ${endpoint}`,
      applications: [`bridge ${endpoint}`, 'hangup 21'],
    }),
  ),
  {
    name: 'an INVITE with a caller number that From cannot have',
    applications: [
      'export nolocal:origination_caller_id_number=%{x}',
      'bridge sofia/gateway/gw/1',
      'hangup 21',
    ],
  },
  { name: 'an unknown application', applications: ['nosuchapplication', 'hangup 17'] },
  { name: 'no application', applications: ['set a=1'] },
  { name: 'an extension without applications', applications: [] },
  {
    name: 'a list of causes to continue on',
    applications: [
      'set continue_on_fail=USER_BUSY,603',
      'bridge sofia/gateway/gw/1',
      'bridge sofia/gateway/gw/2',
      'hangup 21',
    ],
    callees: { 1: refuses(486), 2: refuses(603) },
  },
  {
    name: 'a status kept from an earlier attempt',
    applications: [
      'set continue_on_fail=true',
      'bridge sofia/gateway/gw/1',
      'set call_timeout=2',
      'bridge sofia/gateway/gw/2',
      'hangup NO_ANSWER',
    ],
    callees: { 1: refuses(503), 2: rings },
  },
  {
    name: 'failure_causes',
    applications: ['set failure_causes=USER_BUSY', 'bridge sofia/gateway/gw/1', 'hangup 21'],
    callees: { 1: refuses(404) },
  },
  {
    name: 'no answer',
    applications: ['set call_timeout=2', 'bridge sofia/gateway/gw/1', 'hangup 21'],
    callees: { 1: rings },
  },
  {
    name: 'no answer that ends the call',
    applications: [
      'set continue_on_fail=false',
      'bridge {originate_timeout=2}sofia/gateway/gw/1',
      'hangup 21',
    ],
    callees: { 1: {} },
  },
  {
    name: 'no answer ends a sequence',
    applications: ['bridge {originate_timeout=2}sofia/gateway/gw/1|sofia/gateway/gw/2', 'hangup 21'],
    callees: { 1: rings, 2: answers },
  },
  {
    name: 'a sequence that continues after no answer',
    applications: [
      'bridge {originate_timeout=2,originate_continue_on_timeout=true}sofia/gateway/gw/1|sofia/gateway/gw/2',
    ],
    callees: { 1: rings, 2: answers },
  },
  {
    name: 'a sequence of failures',
    applications: ['bridge sofia/gateway/gw/1|sofia/gateway/nosuch/5|sofia/gateway/gw2/2', 'hangup 21'],
    callees: { 1: refuses(486), 2: refuses(404) },
  },
  {
    name: 'a sequence whose last leg cannot be created',
    applications: ['bridge sofia/gateway/gw/1|sofia/gateway/nosuch/5', 'hangup 21'],
    callees: { 1: refuses(486) },
  },
  {
    name: 'simultaneous legs that all refuse',
    applications: ['bridge sofia/gateway/gw/1,sofia/gateway/gw2/2', 'hangup 21'],
    callees: { 1: refuses(486, 150), 2: refuses(404, 50) },
  },
  {
    name: 'simultaneous legs, the second answers',
    applications: ['bridge sofia/gateway/gw/1,sofia/gateway/gw2/2'],
    callees: { 1: rings, 2: { ringAt: 40, answerAt: 150 } },
  },
  {
    name: 'simultaneous legs, one cannot be created',
    applications: ['bridge sofia/gateway/nosuch/1,sofia/gateway/gw2/2'],
    callees: { 2: answers },
  },
  {
    name: 'early media connects at once',
    applications: ['bridge sofia/gateway/gw/1,sofia/gateway/gw2/2', 'hangup 21'],
    callees: { 1: { mediaAt: 30, answerAt: 1200 }, 2: { ringAt: 20, answerAt: 900 } },
  },
  {
    name: 'early media and then a refusal',
    applications: ['bridge sofia/gateway/gw/1|sofia/gateway/gw2/2', 'hangup 21'],
    callees: { 1: { mediaAt: 30, ...refuses(486, 500) }, 2: answers },
  },
  {
    name: 'early media ignored',
    applications: ['bridge {ignore_early_media=true}sofia/gateway/gw/1|sofia/gateway/gw2/2', 'hangup 21'],
    callees: { 1: { mediaAt: 30, ...refuses(486, 500) }, 2: answers },
  },
  {
    name: 'early media counts as ringing',
    applications: ['bridge {ignore_early_media=ring_ready}sofia/gateway/gw/1', 'hangup 21'],
    callees: { 1: { mediaAt: 30, answerAt: 200 } },
  },
  {
    name: 'the caller cancels while it rings',
    applications: ['bridge sofia/gateway/gw/1', 'hangup 21'],
    callees: { 1: rings },
    more: { cancelAt: 300 },
  },
  {
    name: 'the caller cancels during early media',
    applications: ['bridge sofia/gateway/gw/1', 'hangup 21'],
    callees: { 1: { mediaAt: 20 } },
    more: { cancelAt: 300 },
  },
  {
    name: 'the called party hangs up, the dialplan continues',
    applications: ['bridge sofia/gateway/gw/1', 'hangup 21'],
    callees: { 1: { ...answers, hangsUpAt: 250 } },
  },
  {
    name: 'the called party hangs up, which ends the call',
    applications: ['set hangup_after_bridge=true', 'bridge sofia/gateway/gw/1', 'hangup 21'],
    callees: { 1: { ...answers, hangsUpAt: 250 } },
  },
  {
    name: 'the caller hangs up',
    applications: ['bridge sofia/gateway/gw/1', 'hangup 21'],
    callees: { 1: answers },
    more: { byeAt: 150 },
  },
  {
    name: 'answered without a bridge',
    applications: ['answer', 'sleep 100', 'hangup 17'],
  },
  {
    name: 'exports, braces and brackets',
    applications: [
      'export nolocal:origination_caller_id_number=555',
      'export nolocal:absolute_codec_string=PCMA,PCMU',
      "bridge {origination_caller_id_name='B, C',x=1}[origination_caller_id_number=556]sofia/gateway/gw/1",
    ],
    callees: { 1: answers },
  },
  {
    name: 'braces and brackets disagree',
    applications: ['bridge {absolute_codec_string=PCMA}[absolute_codec_string=PCMU]sofia/gateway/gw/1'],
    callees: { 1: answers },
  },
  {
    name: 'a delimiter set with ^^',
    applications: [
      'bridge {^^;absolute_codec_string=PCMA,PCMU;origination_caller_id_number=7}sofia/gateway/gw/1',
    ],
    callees: { 1: answers },
  },
  {
    name: 'commas inside brackets',
    applications: [
      'bridge [absolute_codec_string=PCMA\\,PCMU]sofia/gateway/gw/1|[^^:absolute_codec_string=PCMA,PCMU]sofia/gateway/gw/2|' +
        "[absolute_codec_string='PCMA,PCMU']sofia/gateway/gw/3",
    ],
    callees: { 1: refuses(486), 2: refuses(486), 3: refuses(486) },
  },
  { name: 'braces that are not closed', applications: ['bridge {x=1', 'hangup 21'] },
  {
    name: 'leg_timeout',
    applications: ['bridge [leg_timeout=1]sofia/gateway/gw/1', 'hangup 21'],
    callees: { 1: rings },
  },
  {
    name: 'progress_timeout',
    applications: ['bridge {progress_timeout=1}sofia/gateway/gw/1', 'hangup 21'],
    callees: { 1: {} },
  },
  {
    name: 'an application with a backslash before a quote',
    applications: ["set a=\\'", 'hangup 17'],
  },
  {
    name: 'through a profile',
    applications: ['bridge sofia/external/158@10.0.0.9:5060'],
    callees: { 158: answers },
  },
  { name: 'a user', applications: ['bridge user/1000', 'hangup 21'], callees: { 1000: answers } },
  { name: 'an unknown user', applications: ['bridge user/4711', 'hangup 21'] },
  ...[404, 480, 486, 503, 603].map(
    (status): Comparison => ({
      name: `early media and then ${status}`,
      applications: ['bridge sofia/gateway/gw/1', 'hangup 21'],
      callees: { 1: { mediaAt: 20, ...refuses(status, 500) } },
    }),
  ),
  {
    name: '180 with SDP',
    applications: ['bridge sofia/gateway/gw/1', 'hangup 21'],
    callees: { 1: { ringMediaAt: 20, answerAt: 150 } },
  },
  {
    name: '180 with SDP and then a refusal',
    applications: ['bridge sofia/gateway/gw/1', 'hangup 21'],
    callees: { 1: { ringMediaAt: 20, ...refuses(486, 500) } },
  },
  {
    name: '183 without SDP',
    applications: ['bridge sofia/gateway/gw/1', 'hangup 21'],
    callees: { 1: { progressAt: 20, answerAt: 150 } },
  },
  {
    name: 'ringing, early media and an answer',
    applications: ['bridge sofia/gateway/gw/1', 'hangup 21'],
    callees: { 1: { ringAt: 20, mediaAt: 80, answerAt: 150 } },
  },
  {
    name: 'bridge_answer_timeout of the called leg',
    applications: [
      'export nolocal:bridge_answer_timeout=1',
      'set continue_on_fail=true',
      'bridge sofia/gateway/gw/1',
      'bridge sofia/gateway/gw/2',
    ],
    callees: { 1: { mediaAt: 20 }, 2: answers },
  },
  {
    name: 'bridge_answer_timeout of the caller leg',
    applications: ['set bridge_answer_timeout=1', 'bridge sofia/gateway/gw/1', 'hangup 21'],
    callees: { 1: { mediaAt: 20 } },
  },
  {
    name: 'continue_on_answer_timeout',
    applications: [
      'set bridge_answer_timeout=1',
      'set continue_on_answer_timeout=true',
      'bridge sofia/gateway/gw/1',
      'bridge sofia/gateway/gw/2',
    ],
    callees: { 1: { mediaAt: 20 }, 2: answers },
  },
  {
    name: 'ignore_early_media with originate_timeout',
    applications: [
      'bridge {ignore_early_media=true,originate_timeout=2,originate_continue_on_timeout=true}sofia/gateway/gw/1|sofia/gateway/gw/2',
    ],
    callees: { 1: { mediaAt: 20 }, 2: answers },
  },
  {
    name: 'a refusal with a Reason header',
    applications: ['bridge sofia/gateway/gw/1', 'hangup 21'],
    callees: {
      1: { refuse: { at: 20, status: 503, reason: 'Q.850;cause=34;text="NORMAL_CIRCUIT_CONGESTION"' } },
    },
  },
  {
    name: 'leg_delay_start',
    applications: ['bridge sofia/gateway/gw/1,[leg_delay_start=1]sofia/gateway/gw/2'],
    callees: { 1: rings, 2: answers },
  },
  {
    name: 'leg_delay_start of a leg that is not reached',
    applications: ['bridge sofia/gateway/gw/1,[leg_delay_start=2]sofia/gateway/gw/2'],
    callees: { 1: answers, 2: answers },
  },
  {
    name: 'leg_delay_start after the first leg has failed',
    applications: ['bridge sofia/gateway/gw/1,[leg_delay_start=8]sofia/gateway/gw/2'],
    callees: { 1: refuses(486), 2: answers },
  },
  {
    name: 'leg_delay_start with leg_timeout',
    applications: [
      'bridge [leg_timeout=3]sofia/gateway/gw/1,[leg_delay_start=1,leg_timeout=1]sofia/gateway/gw/2',
      'hangup 21',
    ],
    callees: { 1: rings, 2: rings },
  },
  {
    name: 'leg_progress_timeout',
    applications: ['bridge [leg_progress_timeout=1]sofia/gateway/gw/1', 'hangup 21'],
    callees: { 1: {} },
  },
  {
    name: '302 with outbound_redirect_fatal',
    applications: [
      'export nolocal:outbound_redirect_fatal=true',
      'bridge sofia/gateway/gw/1|sofia/gateway/gw/2',
    ],
    callees: { 1: redirects('sip:3@10.0.0.9:5060'), 2: answers, 3: answers },
  },
  {
    name: '302 with outbound_redirect_fatal as the only answer',
    applications: ['export nolocal:outbound_redirect_fatal=true', 'bridge sofia/gateway/gw/1', 'hangup 21'],
    callees: { 1: redirects('sip:3@127.0.0.1') },
  },
  {
    name: '302 with outbound_redirect_fatal beside a leg that answers',
    applications: [
      'export nolocal:outbound_redirect_fatal=true',
      'bridge sofia/gateway/gw/1,sofia/gateway/gw2/2',
    ],
    callees: { 1: redirects('sip:3@127.0.0.1'), 2: { ringAt: 40, answerAt: 150 } },
  },
  {
    name: '302 to another host',
    applications: ['bridge sofia/external/1@10.0.0.9:5060|sofia/gateway/gw/2'],
    callees: { 1: redirects('sip:3@10.0.0.10:5060'), 2: answers, 3: answers },
  },
  {
    name: '302 to another host that refuses',
    applications: ['bridge sofia/external/1@10.0.0.9:5060|sofia/gateway/gw/2', 'hangup 21'],
    callees: { 1: redirects('sip:3@10.0.0.10:5060'), 2: answers, 3: refuses(486) },
  },
  {
    name: "302 to FreeSWITCH's own domain",
    applications: ['bridge sofia/gateway/gw/1|sofia/gateway/gw/2'],
    again: ['bridge sofia/gateway/gw/3'],
    callees: { 1: redirects('sip:3@127.0.0.1'), 2: answers, 3: answers },
  },
  {
    name: "302 to FreeSWITCH's own domain beside a leg that rings",
    applications: ['bridge sofia/gateway/gw/1,sofia/gateway/gw2/2'],
    again: ['bridge sofia/gateway/gw/3'],
    callees: { 1: redirects('sip:3@127.0.0.1', 100), 2: rings, 3: answers },
  },
  {
    name: 'REFER of the called party',
    applications: ['set hangup_after_bridge=true', 'bridge sofia/gateway/gw/1'],
    again: ['bridge sofia/gateway/gw/2'],
    callees: { 1: { ...answers, refer: { at: 300, to: '2' } }, 2: { ringAt: 20, answerAt: 200 } },
    more: { byeAt: 1500 },
  },
  {
    name: 'REFER of the called party to a busy number',
    applications: ['set hangup_after_bridge=true', 'bridge sofia/gateway/gw/1'],
    again: ['bridge sofia/gateway/gw/2', 'hangup 21'],
    callees: { 1: { ...answers, refer: { at: 300, to: '2' } }, 2: refuses(486) },
    more: { byeAt: 1500 },
  },
  {
    name: 'REFER of the caller',
    applications: ['set hangup_after_bridge=true', 'bridge sofia/gateway/gw/1'],
    again: ['bridge sofia/gateway/gw/2'],
    callees: { 1: { ...answers, hangsUpAt: 1500 }, 2: { ringAt: 20, answerAt: 200 } },
    more: { refer: { at: 200, to: '2' }, byeAt: 5000 },
  },
];
