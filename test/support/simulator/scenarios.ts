import type { Scenario } from './replay.ts';

const ANSWERS = { ringAt: 0, answerAt: 10 };

/** Each recording with the behaviour of its parties. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  answered: { callees: { 123456: { ringAt: 0, mediaAt: 10, answerAt: 20 } }, byeAt: 20 },
  busy: { callees: { 123456: { refuse: { at: 0, status: 486 } } } },
  'callee-hangs-up': { callees: { 123456: { ...ANSWERS, hangsUpAt: 30 } } },
  'caller-gives-up-ringing': { callees: { 123456: { ringAt: 0 } }, callerCancels: 'CHANNEL_PROGRESS' },
  'caller-gives-up-waiting': { callerCancels: 'second reply' },
  'gateway-unknown': {},
  'hangup-cause-17': {},
  'respond-503': {},
  'no-answer': { callees: { 123456: { ringAt: 0 } }, clockFactor: 10 },
  'no-decision-exit': { callees: { fallback: ANSWERS }, byeAt: 20 },
  'agent-dies': { callees: { fallback: ANSWERS }, byeAt: 20, agentDies: true },
  'sequential-failover': { callees: { 111: { refuse: { at: 0, status: 486 } }, 222: ANSWERS }, byeAt: 20 },
  simultaneous: { callees: { 111: { ringAt: 0 }, 222: ANSWERS }, byeAt: 20 },
};
