import { type ChannelData, header } from './call/channel-data.ts';

const LINE_END_OR_CONTROL = /[\p{Cc}\u2028\u2029]/u;

/**
 * The variable that replaces a caller's display name that holds line ends or control characters; `{}` for other names.
 * FreeSWITCH decodes %0d%0a in a display name and writes the line end into the From header of the INVITE to the called
 * party.
 */
export function callerNameInOneLine(data: ChannelData): Readonly<Record<string, string>> {
  const name = header(data, 'Caller-Caller-ID-Name');
  if (!LINE_END_OR_CONTROL.test(name)) return {};
  const clean = name.replaceAll(/[\p{Cc}\u2028\u2029$\\]/gu, ' ').trim();
  return { origination_caller_id_name: clean === '' ? 'unknown' : clean.slice(0, 256) };
}
