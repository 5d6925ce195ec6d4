import { describe, expect, it } from 'vitest';
import { ControlRequest } from '#libs/contract/control.ts';
import { controlCommand } from '#services/agent/call-control.ts';
import { runControl } from '#test/support/cases/control.ts';
import { simulatedCaseNode } from '#test/support/simulator/case-node.ts';

const UUID = '5d6a0e0c-9e0f-4b7a-8f63-0d8f0c6f6c11';
const same = { v: 1, uuid: UUID, by: 'otto' } as const;

describe('commands to FreeSWITCH', () => {
  it.each<[string, ControlRequest]>([
    [`uuid_kill ${UUID} MANAGER_REQUEST`, { ...same, do: 'hangup' }],
    [`uuid_transfer ${UUID} 1000 XML`, { ...same, do: 'transfer', destination: '1000' }],
    [`uuid_transfer ${UUID} *98 XML pbx`, { ...same, do: 'transfer', destination: '*98', context: 'pbx' }],
  ])('%s', (command, request) => {
    expect(controlCommand(ControlRequest.parse(request), UUID)).toBe(command);
  });

  it.each([
    [String.raw`o'neill"\n@h`, String.raw`o\'neill\"\\n@h`],
    ['^^:a:b', '^^ ^^:a:b'],
    ['abc%0Adef@h', 'abc%0Adef@h'],
  ])('name the channel %s so that FreeSWITCH reads it unchanged', (uuid, written) => {
    const transfer = { ...same, do: 'transfer', destination: '1000' } as const;
    expect(controlCommand(transfer, uuid)).toBe(`uuid_transfer ${written} 1000 XML`);
    expect(controlCommand({ ...same, do: 'hangup' }, uuid)).toBe(`uuid_kill ${uuid} MANAGER_REQUEST`);
  });

  it.each(['', 'a b', 'a\nb', 'a\0'])('refuse to name the channel %j', (uuid) => {
    expect(() => controlCommand({ ...same, do: 'hangup' }, uuid)).toThrow('no command of the event socket');
  });

  it.each([
    '',
    '-bleg',
    '-both',
    '1 inline',
    '1\n\napi system id',
    '${system(id)}',
    "set:x=y,park 'm:",
    'a'.repeat(129),
  ])('never contains %j', (text) => {
    const request = { ...same, do: 'transfer', destination: '1000', context: 'pbx' };
    expect(ControlRequest.safeParse({ ...request, destination: text }).success).toBe(false);
    expect(ControlRequest.safeParse({ ...request, context: text }).success).toBe(false);
    expect(ControlRequest.safeParse({ ...request, uuid: text }).success).toBe(false);
  });
});

describe('call control on a simulated FreeSWITCH', () => runControl(simulatedCaseNode));
