import type { Scenario } from '#deploy/local/scenarios.ts';

const gateway = (number: string, name = 'gw') => ({ type: 'gateway', number, gateway: name });
const toGateway: Scenario['answer'] = ({ destination_number }) => ({
  body: { dial: gateway(destination_number) },
});
const answers = { ringAt: 40, answerAt: 150 };

/**
 * The calls placed under every fault. In a healthy cluster each is decided or cancelled by its caller, so a call whose
 * dialplan continues was affected by the fault. The number of scenarios is odd, so that each one reaches both nodes.
 */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'answered',
    prefix: '140',
    answer: toGateway,
    callee: () => ({ ...answers, mediaAt: 80 }),
    byeAt: 1_200,
  },
  { name: 'long call', prefix: '141', answer: toGateway, callee: () => answers, byeAt: 5_000 },
  { name: 'busy', prefix: '142', answer: toGateway, callee: () => ({ refuse: { at: 60, status: 486 } }) },
  {
    name: 'second target answers',
    prefix: '143',
    answer: ({ destination_number }) => ({
      body: { dial: [gateway(destination_number), gateway(destination_number, 'gw2')] },
    }),
    callee: (name) => (name === 'gw' ? { refuse: { at: 50, status: 486 } } : answers),
    byeAt: 400,
  },
  {
    name: 'requested again',
    prefix: '144',
    answer: ({ destination_number, attempt }) => ({
      body: { dial: gateway(destination_number, attempt > 1 ? 'gw2' : 'gw'), on_fail: 'request' },
    }),
    callee: (name) => (name === 'gw' ? { refuse: { at: 50, status: 486 } } : answers),
    byeAt: 400,
  },
  {
    name: 'caller hangs up while ringing',
    prefix: '145',
    answer: toGateway,
    callee: () => ({ ringAt: 40 }),
    cancelAt: 600,
  },
  {
    name: 'caller hangs up before the decision',
    prefix: '146',
    answer: (request) => ({ ...toGateway(request), afterMs: 800 }),
    callee: () => answers,
    cancelAt: 200,
    byeAt: 100,
  },
  {
    name: 'slow decision',
    prefix: '147',
    answer: (request) => ({ ...toGateway(request), afterMs: 300 }),
    callee: () => ({ ...answers, hangsUpAt: 700 }),
  },
  {
    name: 'rejected',
    prefix: '148',
    answer: () => ({ body: { dial: { type: 'hangup', cause: 21 } } }),
    callee: () => answers,
    byeAt: 100,
  },
];

export const scenarioOf = (number: string): Scenario | undefined =>
  SCENARIOS.find(({ prefix }) => number.startsWith(prefix));
