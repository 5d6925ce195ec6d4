import { expect } from 'vitest';
import { selfSigned } from '#test/support/router/endpoints.ts';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import { answers, gw, tried } from './harness.ts';
import { plainAnswer, srtpAnswer, startStreamParty } from './stream-party.ts';

const ONLY_SIP = 'only SIP and SDP show it';

interface Secured {
  readonly variable_srtp_remote_audio_crypto_key?: string;
}

const secureTarget = (port: number, more: object = {}) => ({
  ...{ type: 'ip', ip: `127.0.0.1:${port}`, number: '777', sofia: 'secure', transport: 'tls', srtp: true },
  ...more,
});

export const MEDIA: readonly LifeCase[] = [
  {
    name: 'codecs: the called party is offered these, in order, and a later decision has its own',
    async run(life) {
      const call = life.call(
        ({ attempt }) =>
          attempt === 1
            ? { codecs: ['PCMA'], on_fail: 'request', dial: gw('777') }
            : { codecs: ['PCMA@8000h', 'PCMU'], dial: gw('778') },
        { '777': { refuse: { at: 20, status: 486 } }, '778': answers },
        { byeAt: 50 },
      );
      const { invites } = await call.finish();
      expect(invites.map(({ codecs }) => codecs.filter((name) => name !== 'telephone-event'))).toEqual([
        ['PCMA'],
        ['PCMA', 'PCMU'],
      ]);
    },
  },
  {
    name: 'transport and srtp: the INVITE of type ip goes over TCP and offers SRTP only',
    onlyFreeSwitch: ONLY_SIP,
    async run(life) {
      const server = await startStreamParty();
      try {
        const target = {
          type: 'ip',
          ip: `127.0.0.1:${server.port}`,
          number: '777',
          sofia: 'internal',
          transport: 'tcp',
          srtp: true,
        };
        const { status } = await life.call({ dial: target }, {}).finish();
        expect(status).toBe(486);
        const invite = await server.invite;
        expect(invite).toMatch(/^INVITE sip:777@127\.0\.0\.1:\d+;transport=tcp SIP\/2\.0/);
        expect(invite).toMatch(/^Via: SIP\/2\.0\/TCP/m);
        expect(invite).toMatch(/^m=audio \d+ RTP\/SAVP /m);
        expect(invite).toMatch(/^a=crypto:1 /m);
        expect(invite).not.toMatch(/^m=audio \d+ RTP\/AVP /m);
      } finally {
        server.close();
      }
    },
  },
  {
    name: 'transport tls and srtp: a call over TLS with SRTP, from its INVITE to its BYE',
    onlyFreeSwitch: ONLY_SIP,
    async run(life) {
      const { tls } = life.freeswitch;
      const party = await startStreamParty({ ...(tls && { tls }), answer: srtpAnswer });
      try {
        const call = life.call({ dial: secureTarget(party.port) }, {}, { byeAt: 200 });
        const { notice, status } = await call.finish();
        const invite = await party.invite;
        expect(invite).toMatch(/^INVITE sip:777@127\.0\.0\.1:\d+;transport=tls SIP\/2\.0/);
        expect(invite).toMatch(/^Via: SIP\/2\.0\/TLS/m);
        expect(invite).toMatch(/^m=audio \d+ RTP\/SAVP /m);
        expect(invite).toMatch(/^a=crypto:\d+ AES_CM_128_HMAC_SHA1_80 inline:/m);
        expect(status).toBe(200);
        expect(notice).toMatchObject({ hangup_by: 'caller', tried: [{ number: '777', cause: 'NONE' }] });
        await until('BYE has come', () => party.methods.includes('BYE'));
        expect(party.methods).toEqual(['INVITE', 'ACK', 'BYE']);
        const end = call.events.find(
          (event) => (event as Secured).variable_srtp_remote_audio_crypto_key,
        ) as Secured;
        expect(end).toMatchObject({
          variable_rtp_secure_audio_confirmed: 'true',
          variable_rtp_secure_media_negotiated: 'AES_CM_128_HMAC_SHA1_80',
        });
      } finally {
        party.close();
      }
    },
  },
  {
    name: 'transport tls: a party whose certificate is not trusted is not called, and the next target is',
    onlyFreeSwitch: ONLY_SIP,
    async run(life) {
      const party = await startStreamParty({ tls: selfSigned('IP:127.0.0.1'), answer: srtpAnswer });
      try {
        const call = life.call(
          { dial: [secureTarget(party.port, { progress_timeout: 2 }), gw('778')] },
          { '778': answers },
          { byeAt: 100 },
        );
        const { notice, invites } = await call.finish();
        expect(party.methods).toEqual([]);
        expect(invites).toMatchObject([{ number: '778' }]);
        expect(tried(notice)).toEqual([
          ['777', 'PROGRESS_TIMEOUT'],
          ['778', 'NONE'],
        ]);
      } finally {
        party.close();
      }
    },
  },
  {
    name: 'srtp: a party that answers without SRTP is hung up',
    onlyFreeSwitch: ONLY_SIP,
    async run(life) {
      const { tls } = life.freeswitch;
      const party = await startStreamParty({ ...(tls && { tls }), answer: plainAnswer });
      try {
        const { notice, status } = await life.call({ dial: secureTarget(party.port) }, {}).finish();
        expect([status, tried(notice)]).toEqual([488, [['777', 'INCOMPATIBLE_DESTINATION']]]);
      } finally {
        party.close();
      }
    },
  },
];
