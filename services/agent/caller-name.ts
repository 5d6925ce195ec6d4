import { type ChannelData, header } from './call/channel-data.ts';

const LINE_END_OR_CONTROL = /[\p{Cc}\u2028\u2029]/u;

/**
 * FreeSWITCH decodes %0d%0a in a caller's display name and writes the line end into the From of the INVITE that it
 * sends on. A name that would do so goes out in one line.
 */
export function callerNameInOneLine(data: ChannelData): Readonly<Record<string, string>> {
  const name = header(data, 'Caller-Caller-ID-Name');
  if (!LINE_END_OR_CONTROL.test(name)) return {};
  const clean = name.replaceAll(/[\p{Cc}\u2028\u2029$\\]/gu, ' ').trim();
  return { origination_caller_id_name: clean === '' ? 'unknown' : clean.slice(0, 256) };
}
