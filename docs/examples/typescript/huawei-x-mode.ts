/**
 * Serves an endpoint that was written for the X mode of Huawei Cloud PrivateNumber: it gets the events `callin`, `callout`,
 * `alerting`, `answer` and `disconnect` at its STATUS_URL, signed with APP_KEY and APP_SECRET, and answers `callin` with
 * `operation` `connect` or `close`. With FEE_URL it gets a record (`fee`) of each call.
 *
 * Dialhook's SOUNDS and RINGBACKS need the names of its voice files, without `.wav`: for `lastMinVoice`: "last.wav" the
 * sound `last`. Numbers of China are global there (+8613800000001) and national at the gateway (13800000001, 075528000001).
 */
import { createHmac, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
// With the npm package: from 'dialhook-endpoint'.
import {
  createEndpoint,
  type Decision,
  type EndpointRequest,
  type NotificationOf,
  nodeListener,
} from '../../../libs/endpoint/endpoint.ts';

const { STATUS_URL = '', FEE_URL = '', APP_KEY = '', APP_SECRET = '', GATEWAY = 'gw' } = process.env;
const { PORT, WEBHOOK_SECRETS = '' } = process.env;
const TIMEOUT_MS = 2_500;

interface ConnectInfo {
  readonly calleeNum: string;
  readonly displayCalleeNum?: string;
  /** Minutes; 0: no limit. */
  readonly maxDuration?: number;
  readonly waitVoice?: string;
  readonly lastMinVoice?: string;
  readonly recordFlag?: string;
  readonly recordHintTone?: string;
  readonly userData?: string;
}
interface CloseInfo {
  readonly closeHintTone?: string;
  readonly userData?: string;
}
interface Operation {
  readonly operation?: string;
  /** An object in the reference, a list in the samples. */
  readonly connectInfo?: ConnectInfo | readonly ConnectInfo[];
  readonly closeInfo?: CloseInfo | readonly CloseInfo[];
}

/** `data` of each decision: Dialhook repeats it in every notification of the call, so no state is needed for it. */
interface Carried {
  readonly userData?: string | undefined;
  /** The numbers of the second leg, global; missing when the call was closed. */
  readonly display?: string;
  readonly callee?: string;
}

const globalNumber = (number: string): string =>
  number.startsWith('+') ? number : `+86${number.replace(/^0/, '')}`;

/** A mobile or service number as it is, a fixed line with 0 before its area code. */
function nationalNumber(number: string): string {
  if (!number.startsWith('+86')) return number;
  const rest = number.slice(3);
  return /^1\d{10}$/.test(rest) || !/^\d{10,11}$/.test(rest) ? rest : `0${rest}`;
}

/** The reference wants `yyyy-MM-dd HH:mm:ss`, UTC. */
const timestamp = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');

const soundName = (file: string): string => file.replace(/\.wav$/, '');

function signature(): Record<string, string> {
  const nonce = randomBytes(16).toString('hex');
  const created = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const digest = createHmac('sha256', APP_SECRET)
    .update(nonce + created)
    .digest('base64');
  return {
    authorization: 'AKSK realm="SDP",profile="UsernameToken",type="Appkey"',
    'x-aksk': `UsernameToken Username="${APP_KEY}", PasswordDigest="${digest}", Nonce="${nonce}", Created="${created}"`,
  };
}

/** @throws when it is not accepted: Dialhook then sends the notification again, and requests its fallback. */
async function post(url: string, body: object): Promise<string> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json;charset=UTF-8', ...signature() },
    body: JSON.stringify(body),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${new URL(url).host} answered ${answer.status}`);
  return text;
}

const only = <T>(one: T | readonly T[] | undefined): T | undefined =>
  Array.isArray(one) ? (one[0] as T | undefined) : (one as T | undefined);

const RECORDED: Decision['notify'] = ['ring', 'progress', 'answer', 'recording', 'hangup'];

const recordingOf = ({
  recordFlag,
  recordHintTone: tone,
}: ConnectInfo): Pick<Decision, 'record' | 'notify'> =>
  recordFlag === 'true'
    ? { record: tone === undefined ? {} : { announce: soundName(tone) }, notify: RECORDED }
    : {};

function connect(call: EndpointRequest, info: ConnectInfo | undefined): Decision {
  if (info?.calleeNum === undefined) throw new Error('connectInfo.calleeNum is missing');
  const { calleeNum, displayCalleeNum, maxDuration = 0, waitVoice, lastMinVoice, userData } = info;
  const x = globalNumber(call.destination_number);
  const display = displayCalleeNum ?? x;
  const carried: Carried = { userData, display, callee: globalNumber(calleeNum) };
  return {
    caller_id: { number: display === x ? call.destination_number : nationalNumber(display) },
    callee_id: { number: call.destination_number },
    dial: { type: 'gateway', gateway: GATEWAY, number: nationalNumber(calleeNum) },
    data: carried,
    ...recordingOf(info),
    ...(waitVoice === undefined ? {} : { ringback: soundName(waitVoice) }),
    ...(maxDuration > 0 ? { max_duration: maxDuration * 60 } : {}),
    ...(maxDuration > 1 && lastMinVoice !== undefined
      ? { warn: { before: 60, play: soundName(lastMinVoice), to: 'both' } }
      : {}),
  };
}

function close(info: CloseInfo | undefined): Decision {
  const play = info?.closeHintTone;
  const carried: Carried = { userData: info?.userData };
  return {
    dial: {
      type: 'hangup',
      cause: 'UNALLOCATED_NUMBER',
      ...(play === undefined ? {} : { play: soundName(play) }),
    },
    data: carried,
  };
}

async function decide(call: EndpointRequest): Promise<Decision | undefined> {
  if (call.reason !== 'new') return undefined;
  const answer = await post(STATUS_URL, {
    eventType: 'callin',
    statusInfo: {
      timestamp: timestamp(Date.parse(call.time)),
      sessionId: call.uuid,
      caller: globalNumber(call.caller_id_number),
      called: globalNumber(call.destination_number),
      notifyMode: 'Block',
    },
  });
  const { operation, connectInfo, closeInfo } = JSON.parse(answer) as Operation;
  if (operation === 'connect') return connect(call, only(connectInfo));
  if (operation === 'close') return close(only(closeInfo));
  throw new Error('operation must be connect or close');
}

type Numbered = Pick<
  NotificationOf<'hangup'>,
  'uuid' | 'time' | 'caller_id_number' | 'destination_number' | 'data'
>;

/** The events that calls in progress have got. After a restart one may be repeated, as by the original. */
const sent = new Map<string, Set<string>>();

/** Sends an event of the second leg, unless the call has it already. */
async function notify(call: Numbered, eventType: string, more: object = {}): Promise<void> {
  const events = sent.get(call.uuid) ?? new Set();
  if (events.has(eventType)) return;
  const { userData, display, callee } = (call.data ?? {}) as Carried;
  await post(STATUS_URL, {
    eventType,
    statusInfo: {
      timestamp: timestamp(Date.parse(call.time)),
      ...(userData === undefined ? {} : { userData }),
      sessionId: call.uuid,
      caller: display ?? globalNumber(call.caller_id_number),
      called: callee ?? globalNumber(call.destination_number),
      ...more,
    },
  });
  sent.set(call.uuid, events.add(eventType));
}

async function rings(call: NotificationOf<'ring' | 'progress'>): Promise<void> {
  await notify(call, 'callout');
  await notify(call, 'alerting');
}

async function answered(call: NotificationOf<'answer'>): Promise<void> {
  await notify(call, 'callout');
  await notify(call, 'answer');
}

/** The recordings of calls in progress, for their records. */
const recordings = new Map<string, string>();

function recorded({ uuid, name, complete }: NotificationOf<'recording'>): void {
  if (complete) recordings.set(uuid, name);
}

const STATES: Readonly<Record<string, readonly [code: number, description: string]>> = {
  ALLOTTED_TIMEOUT: [8010, 'The maximum call duration is reached.'],
  USER_BUSY: [8102, 'The called party is busy.'],
  NO_ANSWER: [8101, 'The called party does not answer.'],
  NO_USER_RESPONSE: [8101, 'The called party does not answer.'],
  CALL_REJECTED: [7503, 'The called party rejects the call.'],
  UNALLOCATED_NUMBER: [8100, 'The called number does not exist.'],
  NO_ROUTE_DESTINATION: [8100, 'The called number does not exist.'],
  PROGRESS_TIMEOUT: [8035, 'The connection times out.'],
};

/** Reasons of the appendix of the reference. */
function stateOf(end: NotificationOf<'hangup'>): readonly [code: number, description: string] {
  if (end.recovered) return [8020, 'The end of the call was not seen.'];
  if ((end.data as Carried | undefined)?.callee === undefined) return [8014, 'No binding.'];
  if (end.cause === 'ALLOTTED_TIMEOUT') return STATES['ALLOTTED_TIMEOUT'] as [number, string];
  if (end.billable_ms > 0) return [0, 'The user releases the call.'];
  if (end.hangup_by === 'caller') return [end.ring_ms > 0 ? 7502 : 7501, 'The caller hangs up.'];
  return STATES[end.cause] ?? [8103, 'The called party cannot be reached.'];
}

/** The record of a call. Times that are not known are missing. */
function fee(end: NotificationOf<'hangup'>): object {
  const { userData, display, callee } = (end.data ?? {}) as Carried;
  const at = Date.parse(end.time);
  const x = globalNumber(end.destination_number);
  const times = end.recovered
    ? { callInTime: timestamp(Date.parse(end.started)) }
    : {
        callInTime: timestamp(at - end.duration_ms),
        ...(end.ring_ms > 0 ? { fwdAlertingTime: timestamp(at - end.duration_ms + end.ring_ms) } : {}),
        ...(end.billable_ms > 0 ? { fwdAnswerTime: timestamp(at - end.billable_ms) } : {}),
        fwdUnaswRsn: end.billable_ms > 0 ? 0 : end.q850,
        sipStatusCode: end.billable_ms > 0 ? 0 : (end.sip_status ?? 0),
      };
  const recording = recordings.get(end.uuid);
  return {
    ...{ direction: 1, appKey: APP_KEY, icid: end.uuid, sessionId: end.uuid, notifyMode: 'Block' },
    ...{ bindNum: x, callerNum: globalNumber(end.caller_id_number), calleeNum: x },
    ...(callee === undefined ? {} : { fwdDisplayNum: display, fwdDstNum: callee }),
    ...times,
    ...{ callEndTime: timestamp(at), hostName: end.node },
    ...(recording === undefined ? { recordFlag: 0 } : { recordFlag: 1, recordObjectName: recording }),
    ...(userData === undefined ? {} : { userData }),
  };
}

async function ended(end: NotificationOf<'hangup'>): Promise<void> {
  const wasCalled = !end.recovered && end.tried.length > 0;
  if (wasCalled) await notify(end, 'callout');
  const [stateCode, stateDesc] = stateOf(end);
  await notify(end, 'disconnect', { stateCode, stateDesc });
  if (FEE_URL !== '') await post(FEE_URL, { eventType: 'fee', feeLst: [fee(end)] });
  sent.delete(end.uuid);
  recordings.delete(end.uuid);
}

const endpoint = createEndpoint({
  secrets: WEBHOOK_SECRETS.split(' '),
  request: decide,
  ring: rings,
  progress: rings,
  answer: answered,
  recording: recorded,
  hangup: ended,
});
createServer(nodeListener(endpoint)).listen(Number(PORT));
