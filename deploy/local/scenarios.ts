import type { EndpointRequest } from '#libs/contract/endpoint.ts';

/** The example endpoint's answer: status 200 and no delay unless set. */
export interface Answer {
  readonly status?: number;
  readonly afterMs?: number;
  readonly body: unknown;
}

/** Behaviour of a called leg; times in ms after its INVITE. */
export interface Callee {
  readonly ringAt?: number;
  readonly mediaAt?: number;
  readonly answerAt?: number;
  readonly refuse?: { readonly at: number; readonly status: number };
  readonly hangsUpAt?: number;
}

/** The course of one simulated call, from the endpoint's answer to the end. */
export interface Scenario {
  readonly name: string;
  /** Dialled numbers that start with it get this scenario. */
  readonly prefix: string;
  readonly answer: (request: EndpointRequest) => Answer;
  readonly callee: (gateway: string) => Callee;
  readonly cancelAt?: number;
  /** Ms after the answer at which the caller hangs up. An answered call needs it, or `hangsUpAt` of the callee, to end. */
  readonly byeAt?: number;
}

/** Connect and response timeout of the simulated calls, ms. */
export const SIMULATED_TIMEOUTS = { connectMs: 1000, responseMs: 1000 } as const;

const gateway = (number: string, name = 'gw') => ({ type: 'gateway', number, gateway: name });
const answers = { ringAt: 40, answerAt: 200 };

export const SCENARIOS: readonly Scenario[] = [
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
    name: 'caller cancels while ringing',
    prefix: '136',
    answer: ({ destination_number }) => ({ body: { dial: gateway(destination_number) } }),
    callee: () => ({ ringAt: 40 }),
    cancelAt: 600,
  },
  {
    name: 'caller cancels before the decision',
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

export const scenarioOf = (number: string): Scenario | undefined =>
  SCENARIOS.find(({ prefix }) => number.startsWith(prefix));
