import { readFileSync } from 'node:fs';
import type { FreeSwitchEvent } from '#libs/esl/inbound.ts';

/** The headers that the agent reads. */
const HEADERS =
  /^(?:Event-Name|Event-Date-Timestamp|Unique-ID|Other-Leg-Unique-ID|Other-Leg-Channel-Name|Channel-State|Call-Direction|Hangup-Cause|(?:Caller|Other-Leg)-(?:Destination-Number|Caller-ID-Number|Caller-ID-Name|Orig-Caller-ID-Number|Direction|Privacy-Hide-Number)|Caller-Channel-(?:Created|Progress|Progress-Media|Answered|Bridged|Hangup)-Time)$/;
const VARIABLES =
  /^variable_(?:dialhook_\w+|cti_bridge|endpoint_disposition|transfer_history|transfer_source|refer_uuid|bridge_uuid|last_bridge_to|originate_causes|originated_legs|sip_hangup_disposition|sip_reply_port|sip_refer_to|leg_delay_start|att_xfer_\w+|loopback_leg|sip_invite_failure_status|sip_invite_failure_phrase|sip_term_status|proto_specific_hangup_cause|last_bridge_proto_specific_hangup_cause|sip_redirected_to|sip_reason|hangup_cause_q850|recovered)$/;

const ENDPOINT = 'http://127.0.0.1:9000/calls';

/** What of an event is kept in a fixture. */
export const keptHeaders = (event: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(event)
      .filter(([name]) => HEADERS.test(name) || VARIABLES.test(name))
      .map(([name, value]) => [name, name === 'variable_cti_bridge' ? ENDPOINT : value]),
  );

/** The file with the recorded events of a story, one JSON object per line. */
export const fixturePath = (story: string): URL =>
  new URL(`./recordings/${story.replaceAll(' ', '-')}.jsonl`, import.meta.url);

export const recordedStory = (story: string): FreeSwitchEvent[] =>
  readFileSync(fixturePath(story), 'utf8')
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as FreeSwitchEvent);
