import fc from 'fast-check';
import { readMessage } from '#libs/bus/message.ts';
import { EndpointRequest } from '#libs/contract/endpoint.ts';
import { BUS, ProgressEvent } from '#libs/contract/messages.ts';
import { parseJson } from '#libs/esl/text.ts';
import { defectOf } from '#services/agent/call/channel-data.ts';
import { entryOf } from '#services/agent/call/entry.ts';
import { endpointRequest } from '#services/agent/endpoint-request.ts';
import { replay } from '#test/support/agent/replay.ts';
import type { Arbitraries } from '../arbitraries.ts';
import { countExecuted, same, timed } from '../property.ts';

const MICROS = '1764456994798000';

export const events = ({ text, ctiBridge, mostly }: Arbitraries) =>
  fc.property(
    fc.constantFrom(
      'CHANNEL_PROGRESS',
      'CHANNEL_PROGRESS_MEDIA',
      'CHANNEL_ANSWER',
      'CHANNEL_HANGUP_COMPLETE',
      'X',
    ),
    mostly(fc.uuid()),
    mostly(fc.uuid()),
    ctiBridge,
    fc.array(fc.oneof(text, fc.array(text, { maxLength: 3 })), { minLength: 12, maxLength: 12 }),
    timed((event, leg, call, bridge, said) => {
      const [
        name,
        number,
        destination,
        causes,
        legs,
        header,
        agent,
        callId,
        status,
        context,
        address,
        cause,
      ] = said;
      const data = {
        'Event-Name': event,
        'Event-Date-Timestamp': MICROS,
        'FreeSWITCH-Switchname': 'fs1',
        'Unique-ID': leg,
        'Hangup-Cause': cause,
        variable_dialhook_call: call,
        variable_cti_bridge: bridge,
        'Caller-Caller-ID-Name': name,
        'Caller-Caller-ID-Number': number,
        'Caller-Destination-Number': destination,
        'Other-Leg-Caller-ID-Name': name,
        'Other-Leg-Caller-ID-Number': number,
        'Other-Leg-Destination-Number': destination,
        'Caller-Context': context,
        'Caller-Network-Addr': address,
        'Caller-Channel-Created-Time': MICROS,
        variable_originate_causes: causes,
        variable_originated_legs: legs,
        variable_sip_call_id: callId,
        variable_sip_term_status: status,
        'variable_sip_h_X-Hostile': header,
        'variable_sip_h_X-__proto__': header,
        variable_sip_user_agent: agent,
      } as Record<string, string | string[]>;
      const crossed = parseJson(Buffer.from(JSON.stringify(data))) as Record<string, string | string[]>;
      // The agent refuses such channel data and events.
      if (defectOf(crossed, undefined) !== undefined) return;
      for (const read of replay([crossed], { nodeName: undefined, defaultUrl: 'http://crm/' })) {
        countExecuted();
        const progress = { v: 1, url: read.endpoint.url, notification: read.notification };
        same(
          'the notification',
          readMessage(ProgressEvent, BUS.progress, Buffer.from(JSON.stringify(progress))),
          progress,
        );
      }
      const entry = entryOf(crossed);
      if (entry.kind !== 'request') return;
      const wanted = ['sip_user_agent', 'sip_h_X-*', 'constructor', '__proto__'];
      const request = endpointRequest(crossed, 'fs1', wanted, entry);
      same('the request', EndpointRequest.parse(JSON.parse(JSON.stringify(request))), request);
    }),
  );
