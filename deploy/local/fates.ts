import type { EndpointRequest } from '#libs/contract/endpoint.ts';

/** What the example endpoint answers, and how. */
export interface Answer {
  readonly status?: number;
  readonly afterMs?: number;
  readonly body: unknown;
}

/** What a called party does, milliseconds after its INVITE. */
export interface Callee {
  readonly ringAt?: number;
  readonly mediaAt?: number;
  readonly answerAt?: number;
  readonly refuse?: { readonly at: number; readonly status: number };
  readonly hangsUpAt?: number;
}

/** One way a simulated call can go, from the endpoint's answer to the end. */
export interface Fate {
  readonly name: string;
  /** The first digits of the numbers that meet this fate. */
  readonly prefix: string;
  readonly answer: (request: EndpointRequest) => Answer;
  readonly callee: (gateway: string) => Callee;
  readonly cancelAt?: number;
  /** When neither this nor the callee's script ends it, a call that goes otherwise than its endpoint meant never ends. */
  readonly byeAt?: number;
}

/** Connect and response timeout of the simulated calls, milliseconds. */
export const SIMULATED_TIMEOUTS = { connectMs: 1000, responseMs: 1000 } as const;

const gateway = (number: string, name = 'gw') => ({ type: 'gateway', number, gateway: name });
const answers = { ringAt: 40, answerAt: 200 };

export const FATES: readonly Fate[] = [
  {
    name: 'answered',
    prefix: '130',
    answer: ({ destination_number }) => ({ body: { dial: gateway(destination_number) } }),
    callee: () => ({ ...answers, mediaAt: 80 }),
    byeAt: 500,
  },
  {
    name: 'masked number',
    prefix: '131',
    answer: ({ destination_number }) => ({
      body: {
        variables: { origination_caller_id_number: '95588', absolute_codec_string: 'PCMA,PCMU' },
        dial: gateway(destination_number),
      },
    }),
    callee: () => ({ ...answers, hangsUpAt: 400 }),
  },
  {
    name: 'busy',
    prefix: '132',
    answer: ({ destination_number }) => ({ body: { dial: gateway(destination_number) } }),
    callee: () => ({ refuse: { at: 60, status: 486 } }),
  },
  {
    name: 'no answer',
    prefix: '133',
    answer: ({ destination_number }) => ({
      body: {
        dial: {
          type: 'dialstring',
          dialstring: `{originate_timeout=1}sofia/gateway/gw/${destination_number}`,
        },
      },
    }),
    callee: () => ({ ringAt: 40 }),
  },
  {
    name: 'second target answers',
    prefix: '134',
    answer: ({ destination_number }) => ({
      body: { dial: [gateway(destination_number), gateway(destination_number, 'gw2')] },
    }),
    callee: (name) => (name === 'gw' ? { refuse: { at: 50, status: 486 } } : answers),
    byeAt: 400,
  },
  {
    name: 'rejected',
    prefix: '135',
    answer: () => ({ body: { dial: { type: 'hangup', cause: 21 } } }),
    callee: () => answers,
    byeAt: 400,
  },
  {
    name: 'gives up while ringing',
    prefix: '136',
    answer: ({ destination_number }) => ({ body: { dial: gateway(destination_number) } }),
    callee: () => ({ ringAt: 40 }),
    cancelAt: 600,
  },
  {
    name: 'gives up while deciding',
    prefix: '137',
    answer: ({ destination_number }) => ({ afterMs: 800, body: { dial: gateway(destination_number) } }),
    callee: () => answers,
    cancelAt: 200,
    byeAt: 400,
  },
  {
    name: 'endpoint too slow',
    prefix: '138',
    answer: ({ destination_number }) => ({ afterMs: 3000, body: { dial: gateway(destination_number) } }),
    callee: () => answers,
    byeAt: 400,
  },
  {
    name: 'endpoint broken',
    prefix: '139',
    answer: () => ({ status: 500, body: { error: 'this endpoint is broken on purpose' } }),
    callee: () => answers,
    byeAt: 400,
  },
];

export const fateOf = (number: string): Fate | undefined =>
  FATES.find(({ prefix }) => number.startsWith(prefix));
