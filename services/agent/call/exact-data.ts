import type { Headers } from '#libs/esl/frames.ts';
import type { OutboundCall } from '#libs/esl/outbound-call.ts';
import { decodeLatin1, encodeHeader, isAmbiguous } from '#libs/esl/text.ts';

/** A header of the channel data that must be exact, and the name under which `getvar` has it. */
interface Field {
  readonly header: string;
  readonly name: string;
  /** Whether the value comes from a header of SIP that FreeSWITCH does not decode: then it has no line end. */
  readonly oneLine?: true;
  /** An escape that is always decoded, once, because reading the value again costs a round trip. */
  readonly decoded?: RegExp;
}

/** An international number. FreeSWITCH decodes numbers (check_decode in sofia.c), so `%2B49` in a URI is +49 as well. */
const INTERNATIONAL = /^%2B(?=\d)/;

const UUID: Field = { header: 'Unique-ID', name: 'uuid', oneLine: true };

const CALLER: readonly Field[] = [
  { header: 'Caller-Destination-Number', name: 'destination_number', decoded: INTERNATIONAL },
  { header: 'Caller-Caller-ID-Number', name: 'caller_id_number', decoded: INTERNATIONAL },
  { header: 'Caller-Caller-ID-Name', name: 'caller_id_name', decoded: INTERNATIONAL },
  { header: 'variable_sip_from_user', name: 'sip_from_user', decoded: INTERNATIONAL },
  { header: 'variable_sip_from_display', name: 'sip_from_display', decoded: INTERNATIONAL },
  // Most Call-IDs contain an @, and are only data.
  { header: 'variable_sip_call_id', name: 'sip_call_id', oneLine: true, decoded: /%40/ },
];

/** Whether `getvar` can read the value: a line end would corrupt the replies, and FreeSWITCH drops a leading ~. */
const isReadable = (raw: string, { oneLine }: Field): boolean =>
  !raw.startsWith('~') && (oneLine === true || !/%0[AD]/.test(raw));

const isDoubtful = (raw: string, { decoded }: Field): boolean =>
  isAmbiguous(decoded === undefined ? raw : raw.replace(decoded, ''));

type Call = Pick<OutboundCall, 'raw' | 'getVariables'>;

/**
 * Reads the fields again whose decoded value may be wrong. Every reply is checked against the channel data, because
 * FreeSWITCH cuts values at 511 bytes and prefers a channel variable of the same name: then the decoded value stays.
 */
async function readAgain(call: Call, wanted: readonly Field[]): Promise<Headers> {
  const fields = wanted.filter((field) => {
    const raw = call.raw[field.header] ?? '';
    return isDoubtful(raw, field) && isReadable(raw, field);
  });
  if (fields.length === 0) return {};
  const exact: Record<string, string> = {};
  const values = [...(await call.getVariables(fields.map(({ name }) => name)))];
  for (const { header } of fields) {
    const index = values.findIndex((value) => encodeHeader(value) === call.raw[header]);
    if (index === -1) continue;
    exact[header] = decodeLatin1(values[index] ?? '');
    values.splice(0, index + 1);
  }
  return exact;
}

/** Corrections of the uuid, by which a channel is known to be tagged. */
export const exactUuid = (call: Call): Promise<Headers> => readAgain(call, [UUID]);

/** Corrections of the caller's fields in a request. */
export const exactCaller = (call: Call): Promise<Headers> => readAgain(call, CALLER);
