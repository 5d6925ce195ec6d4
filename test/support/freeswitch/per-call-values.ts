import type { CallScript } from '#test/support/cases/case-node.ts';

/**
 * The values of one call as headers of its INVITE, for conf/freeswitch.xml to take out again. They are percent-encoded,
 * because FreeSWITCH expands what it copies and drops a header that holds `${`.
 */
export function perCallHeaders(
  script: Pick<CallScript, 'ctiBridge' | 'socket' | 'fallback'>,
): (readonly [name: string, value: string])[] {
  const { ctiBridge, socket, fallback } = script;
  return [
    ...(ctiBridge === undefined ? [] : [['X-Test-Cti-Bridge', encoded(escaped(ctiBridge))] as const]),
    ['X-Test-Socket', encoded(socket)],
    ['X-Test-Fallback', encoded(fallback)],
  ];
}

/** The names in export_vars that conf/freeswitch.xml has not added; undefined without any. */
export function exportsOf(value: string | undefined): string | undefined {
  const names = (value ?? '').split(',').filter((name) => !/^test_|^nolocal:sip_h_X-Test-Call$/.test(name));
  return names.join() || undefined;
}

const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);

/** Text that the second look of `set`, after decoding, turns into the given text. */
function escaped(text: string): string {
  const escapes = text.replace(/[\\$]/g, '\\$&');
  return isExpanded(escapes) ? escapes : text;
}

/** Whether FreeSWITCH looks into a text: switch_string_var_check_const or switch_string_has_escaped_data. */
const isExpanded = (text: string): boolean => /\$\\*\{|\\[\\nst']/.test(text);
