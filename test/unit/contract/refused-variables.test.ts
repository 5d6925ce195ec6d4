import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  fieldInstead,
  REFUSED_VARIABLES,
  REPLACED_VARIABLES,
  variablePolicy,
} from '#libs/contract/refused-variables.ts';
import { VariableName } from '#libs/contract/text.ts';

const SOURCE = process.env['FREESWITCH_SOURCE'] ?? '/opt/src/freeswitch/src';
const may = variablePolicy();

const everyday = [
  'absolute_codec_string',
  'bridge_early_media',
  'bypass_media',
  'call_timeout',
  'crm_ticket',
  'effective_caller_id_number',
  'fax_enable_t38',
  'ignore_early_media',
  'leg_delay_start',
  'leg_timeout',
  'loopback_bowout',
  'originate_retries',
  'originate_timeout',
  'origination_caller_id_name',
  'origination_caller_id_number',
  'originator_codec',
  'progress_timeout',
  'rtp_secure_media',
  'sip_auth_password',
  'sip_auth_username',
  'sip_cid_type',
  'sip_from_uri',
  'sip_h_X-Account',
  'sip_h_X-Route',
  'sip_invite_params',
  'uuid_of_my_own',
];

describe('REFUSED_VARIABLES', () => {
  it.each(everyday)('%s is allowed', (name) => expect(may(name)).toBe(true));

  it.each(Object.entries(REFUSED_VARIABLES))('%s: refuses names and prefixes in any case', (_, group) => {
    for (const name of group.names)
      for (const written of [name, name.toUpperCase()]) expect(may(written), written).toBe(false);
    for (const prefix of group.prefixes)
      for (const written of [prefix, `${prefix}x`, prefix.toUpperCase()])
        expect(may(written), written).toBe(false);
  });

  it('has no duplicates', () => {
    const all = Object.values(REFUSED_VARIABLES).flatMap(({ prefixes, names }) => [...prefixes, ...names]);
    expect(all.filter((name, at) => all.indexOf(name) !== at)).toEqual([]);
  });

  it('refuses names with look-alikes of ASCII letters', () => {
    for (const name of [
      'арi_on_answer',
      'ａpi_on_answer',
      'ap\u0131_on_answer',
      'execute\u2010on',
      'api\u200b_x',
      'ſip_h_Via',
    ])
      expect(VariableName.safeParse(name).success).toBe(false);
  });
});

const files = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(c|cpp|h)$/.test(name));

describe.skipIf(!existsSync(SOURCE))("FreeSWITCH's own source", () => {
  const texts = existsSync(SOURCE)
    ? files(SOURCE).map((name) => readFileSync(join(SOURCE, name), 'latin1'))
    : [];
  const defines = new Map(
    texts.flatMap((text) =>
      [...text.matchAll(/#define\s+(\w+)\s+"(\w+)"/g)].map(
        ([, name = '', value = '']) => [name, value] as const,
      ),
    ),
  );
  const named = (pattern: RegExp) =>
    new Set(
      texts.flatMap((text) =>
        [...text.matchAll(pattern)].map(([, literal, macro]) => literal ?? defines.get(macro ?? '') ?? ''),
      ),
    );

  it('refuses every variable whose value is executed', () => {
    const executed = named(/switch_channel_(?:execute|api)_on\s*\([^;"]*?(?:"(\w+)"|,\s*(SWITCH_\w+))\s*\)/g);
    executed.delete('');
    expect(executed.size).toBeGreaterThan(40);
    expect([...executed].filter(may)).toEqual([]);
  });

  it('refuses every variable that is a hook, an application or its argument', () => {
    const hooks = [...defines]
      .filter(([macro]) =>
        /^SWITCH_.*(?:_HOOK|_EXEC|_APP|_ARG|_API|_ON_\w+|EXPORT_VARS|AFTER_BRIDGE)_VARIABLE$/.test(macro),
      )
      .map(([, name]) => name)
      .filter((name) => !name.startsWith('bypass_media'));
    expect(hooks.length).toBeGreaterThan(25);
    expect(hooks.filter(may)).toEqual([]);
  });
});

describe('fieldInstead', () => {
  it.each(Object.entries(REPLACED_VARIABLES))('%s in any case is replaced by %s', (name, field) => {
    expect([fieldInstead(name), fieldInstead(name.toUpperCase())]).toEqual([field, field]);
  });

  it.each(['origination_caller_id_number', 'absolute_codec_string', 'constructor'])(
    '%s is not replaced',
    (name) => expect(fieldInstead(name)).toBeUndefined(),
  );
});
