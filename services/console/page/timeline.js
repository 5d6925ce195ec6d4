import { html } from './html.js';
import { host } from './sequence.js';
import { offset, span, t } from './words.js';

/** @import { CallDetail } from '../../../libs/contract/console.ts' */
/** @import { TimelineStep } from '../../../libs/contract/timeline.ts' */

/** @type {(id: string) => string} */
const action = (id) => t(`action.${id.split('.').at(-1)}`);

/** Text, colour class and details of a step. @type {(step: TimelineStep) => [words: string, tone: string, more?: string]} */
export function stepWords(step) {
  switch (step.step) {
    case 'received': {
      const { attempt, reason } = step.request;
      const why = reason === 'new' ? '' : t(`reason.${reason}`);
      return [attempt > 1 ? t('step.received.again', { attempt }) : t('step.received'), 'plain', why];
    }
    case 'requested': {
      const endpoint = host(step.endpoint) + (step.fallback ? ` (${t('fallback')})` : '');
      if (step.cache)
        return [t(`step.cache.${step.cache.outcome}`, { endpoint }), 'busy', span(step.cache.age_ms)];
      if (step.result === 'decided')
        return [
          t('step.requested', { endpoint, status: step.status }),
          'good',
          step.not_cached ?? span(step.ms),
        ];
      return [t('step.requested.failed', { endpoint, result: step.result }), 'bad', step.error];
    }
    case 'decided': {
      if (step.result === 'decided') return [t('step.decided'), 'good', span(step.ms)];
      if (step.result === 'defaulted') return [t('step.defaulted'), 'busy', step.error];
      return [t('step.not_decided', { result: step.result }), 'bad', step.error];
    }
    case 'published': {
      const { notification: one } = step;
      if (one.action === 'hangup') {
        const by = one.recovered ? '' : `${t('hung up by')}: ${t(`by.${one.hangup_by}`)}`;
        return [
          t('step.hangup', { cause: one.cause }),
          one.cause === 'NORMAL_CLEARING' ? 'good' : 'busy',
          by,
        ];
      }
      if (one.action === 'transfer')
        return [
          t(`step.transfer.${one.kind}`, { to: one.to_number ?? '' }),
          'busy',
          `${t('transferred by')}: ${t(`by.${one.by}`)}`,
        ];
      if (one.action === 'leg_end')
        return [
          t('step.leg_end', { number: one.called_number, cause: one.cause }),
          'plain',
          [one.sip_status && `SIP ${one.sip_status}`, one.talk_ms > 0 && span(one.talk_ms)]
            .filter(Boolean)
            .join(' · '),
        ];
      if (one.action === 'recording')
        return [
          t(one.complete ? 'step.recording' : 'step.recording.incomplete', { number: one.called_number }),
          one.complete ? 'plain' : 'bad',
          [one.name, one.duration_ms !== undefined && span(one.duration_ms)].filter(Boolean).join(' · '),
        ];
      return [
        t(`step.${one.action}`, { number: one.called_number }),
        one.action === 'answer' ? 'good' : 'busy',
      ];
    }
    default: {
      const values = { action: action(step.notification), wait: span(step.retry_in_ms) };
      const went = { delivered: 'quiet', retried: 'busy', dead: 'bad' }[step.outcome];
      const attempt = step.attempt > 1 || step.outcome !== 'delivered' ? t('attempt', step) : '';
      return [
        t(`step.${step.outcome}`, values),
        went,
        [step.error, attempt, span(step.ms)].filter(Boolean).join(' · '),
      ];
    }
  }
}

/** @param {{ detail: CallDetail }} props */
export function Timeline({ detail: { steps } }) {
  const start = Date.parse(steps[0]?.time ?? '');
  return html`<section>
    <h2>${t('timeline')}</h2>
    <ol class="timeline">
      ${steps.map((step) => {
        const [words, tone, more] = stepWords(step);
        return html`<li class=${tone}>
          <time datetime=${step.time} title=${step.time}>${offset(Date.parse(step.time) - start)}</time>
          <div><p>${words}</p><p class="quiet">${[more, step.by].filter(Boolean).join(' · ')}</p></div>
        </li>`;
      })}
    </ol>
  </section>`;
}
