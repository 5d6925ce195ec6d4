import type { TriedLeg } from '#libs/contract/endpoint.ts';
import { withSkipped } from '#libs/dialplan/skipped.ts';
import type { OutboundCall } from '#libs/esl/outbound-call.ts';
import { aboutCall, type Log } from '#libs/telemetry/log.ts';
import type { EarlierEvents } from './call/call-tracker.ts';
import { type ChannelData, callId, channelTime, legId, nodeName, variable } from './call/channel-data.ts';
import { entryOf, isTagged, type SocketEntry } from './call/entry.ts';
import { startOf } from './call/identity.ts';
import { originatedLegs, skippedTargets } from './call/leg-event.ts';
import { isByParty, transferHistory } from './call/transfer-history.ts';
import type { AgentConfig } from './config.ts';
import { redirectOf } from './endpoint-request.ts';
import { countDecision } from './metrics.ts';
import { failure, type PlanRunner } from './plan-runner.ts';
import { redirectEndpoint } from './redirects.ts';

export type RequestEntry = Extract<SocketEntry, { kind: 'request' }>;

export interface EntriesParts {
  readonly config: AgentConfig;
  readonly log: Log;
  readonly tracker: Omit<EarlierEvents, 'onEntry'>;
  readonly runner: PlanRunner;
}

const REPEATED = failure('repeated_uuid', 'a live call of this FreeSWITCH has the same uuid');

/** Whether earlier events may be about this channel. They have arrived, but the agent reads events in batches. */
const hasHistory = (data: ChannelData): boolean =>
  callId(data) !== '' ||
  channelTime(data, 'Answered') > 0 ||
  variable(data, 'last_bridge_to') !== '' ||
  transferHistory(data).length > 0;

/** Handles the entries of FreeSWITCH into `socket`, except for the request that one may need. */
export class Entries {
  readonly #parts: EntriesParts;

  constructor(parts: EntriesParts) {
    this.#parts = parts;
  }

  /** Why a request is made; undefined when none is needed, and the call is released. */
  async requestOf(call: OutboundCall): Promise<RequestEntry | undefined> {
    const { runner, tracker } = this.#parts;
    if (hasHistory(call.data)) await tracker.catchUp();
    const first = entryOf(call.data);
    const entry = first.kind === 'follow' ? await this.#follow(call, first.otherwise) : first;
    if (entry === undefined) return undefined;
    if (entry.kind !== 'request') await runner.resume(call, entry);
    else if (await this.#isRepeated(call.data)) await this.#refuse(call);
    else return this.#fromJoinedCall(call.data, entry);
    return undefined;
  }

  /** A leg that joined a call by a pickup or an attended transfer comes from that call. A phone that picked up is not tagged. */
  #fromJoinedCall(data: ChannelData, entry: RequestEntry): RequestEntry {
    const from = this.#parts.tracker.joinedCallOf(legId(data));
    if (from === undefined || isTagged(data)) return entry;
    if (entry.transferred_from !== undefined) return { ...entry, transferred_from: from };
    const by = isByParty(transferHistory(data)) ? 'caller' : 'other';
    return { ...entry, reason: 'transfer', transferred_by: by, transferred_from: from };
  }

  /** The called legs that ended before this entry, in the order tried. */
  async tried({ data }: OutboundCall): Promise<TriedLeg[]> {
    const originated = originatedLegs(data);
    const legs = originated.length === 0 ? [] : await this.#parts.tracker.tried(legId(data), originated);
    return withSkipped(legId(data), legs, skippedTargets(data));
  }

  /** Follows the redirect of a target; when it is not allowed, returns the entry that applies instead. */
  async #follow<E>(call: OutboundCall, otherwise: E): Promise<E | undefined> {
    const { config, log, runner } = this.#parts;
    const uri = redirectOf(await this.tried(call)) ?? '';
    const endpoint = redirectEndpoint(uri, config.REDIRECT_ALLOWED_HOSTS);
    if (endpoint === undefined) {
      log.warn('redirect.refused', aboutCall(callId(call.data), nodeName(call.data, config.NODE_NAME)));
      return otherwise;
    }
    await runner.followRedirect(call, endpoint);
    return undefined;
  }

  /** Whether a live call has the uuid of this one, which is new. */
  async #isRepeated(data: ChannelData): Promise<boolean> {
    if (callId(data) !== '') return false;
    const { tracker } = this.#parts;
    const isLive = () => {
      const since = tracker.liveSince(legId(data));
      return since !== undefined && since !== startOf(data);
    };
    if (!isLive()) return false;
    // The hangup of that call may have arrived.
    await tracker.catchUp();
    return isLive();
  }

  /** Releases a call that would be taken for a live one: it is not tagged, so that none of its events is reported. */
  async #refuse(call: OutboundCall): Promise<void> {
    const { config, log, runner } = this.#parts;
    const node = nodeName(call.data, config.NODE_NAME);
    log.warn('call.repeated_uuid', aboutCall(legId(call.data), node));
    countDecision(REPEATED.result, node, undefined, 0);
    call.leaveUntagged();
    await runner.continueDialplan(call, REPEATED);
  }
}
