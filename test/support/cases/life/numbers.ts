import { expect } from 'vitest';
import type { LifeCase } from './case.ts';
import { answers, gw, refuses } from './harness.ts';

const PORTED = '+13125550100;npdi;rn=+13125550199';

export const NUMBERS: readonly LifeCase[] = [
  {
    name: '8 numbers: a ported number arrives and is dialled with its parameters',
    async run(life) {
      const call = life.call(
        ({ destination_number: number }) => ({ dial: gw(number) }),
        { [PORTED]: answers },
        { destination: PORTED, byeAt: 100 },
      );
      const { trace, result } = await call.finish();
      expect(call.requests()).toMatchObject([{ destination_number: PORTED }]);
      expect(result).toBe('decided');
      expect(trace.find(({ side }) => side === 'called')?.text).toContain(`INVITE sip:${PORTED}@`);
    },
  },
  ...[
    ['ip', { type: 'ip', ip: '10.0.0.9:5060' }],
    ['user', { type: 'user', user: '1000' }],
  ].map(
    ([type, target]): LifeCase => ({
      name: `8 numbers: target type ${type} dials a ported number`,
      async run(life) {
        const decision = { dial: { ...(target as object), number: PORTED } };
        const { trace, result } = await life.call(decision, { [PORTED]: answers }, { byeAt: 100 }).finish();
        expect(result).toBe('decided');
        expect(trace.find(({ side }) => side === 'called')?.text).toContain(`INVITE sip:${PORTED}@`);
      },
    }),
  ),
  {
    name: '8 devices: a user with two apps of long contacts: both ring',
    async run(life) {
      const decision = { dial: { type: 'user', user: '3000', number: '777' } };
      const { invites } = await life.call(decision, { '777': refuses(486) }).finish();
      expect(invites.map(({ via }) => via)).toEqual(['device', 'device']);
    },
  },
  {
    name: '8 devices: two long contacts ring at once with strategy simultaneous',
    async run(life) {
      const decision = { strategy: 'simultaneous', dial: { type: 'user', user: '3000', number: '777' } };
      const { invites } = await life.call(decision, { '777': refuses(486, 300) }).finish();
      expect(invites).toHaveLength(2);
    },
  },
  ...(
    [
      ['bypass_media', 'true', /media/],
      ['proxy_media', 'true', /media/],
      ['call_timeout', '5', /timeout/],
      ['ringback', 'tone', /ringback/],
    ] as const
  ).map(
    ([name, value, remedy]): LifeCase => ({
      name: `8 variables: ${name} is refused with words`,
      async run(life) {
        const { result, error } = await life
          .call({ variables: { [name]: value }, dial: gw('777') }, { '777': answers }, { byeAt: 100 })
          .finish();
        expect(result).toBe('invalid_decision');
        expect(error).toMatch(remedy);
      },
    }),
  ),
  {
    name: '8 media: bypass lets the parties exchange media directly',
    async run(life) {
      const { trace } = await life
        .call({ media: 'bypass', dial: gw('777') }, { '777': answers }, { byeAt: 100 })
        .finish();
      const port = (text: string | undefined) => /^m=audio (\d+)/m.exec(text ?? '')?.[1];
      const offer = trace.find(({ side, byParty }) => side === 'caller' && byParty)?.text;
      const invite = trace.find(({ side }) => side === 'called')?.text;
      expect(port(invite)).toBe(port(offer));
    },
  },
  {
    name: '8 gateways: internal::gw, as `sofia status` prints it, is accepted',
    async run(life) {
      const decision = { dial: { type: 'gateway', gateway: 'internal::gw', number: '777' } };
      const { invites, result } = await life.call(decision, { '777': answers }, { byeAt: 100 }).finish();
      expect(result).toBe('decided');
      expect(invites).toMatchObject([{ number: '777', via: 'gw' }]);
    },
  },
];
