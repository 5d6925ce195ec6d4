import { html } from './html.js';
import { span, t } from './words.js';

/** @import { CallDetail } from '../../../libs/contract/console.ts' */
/** @import { TimelineStep } from '../../../libs/contract/timeline.ts' */

/** @type {(url: string) => string} */
const host = (url) => URL.parse(url)?.host ?? url;
/** @type {(id: string) => string} */
const action = (id) => t(`action.${id.split('.').at(-1)}`);

/** @type {(ms: number) => string} */
const offset = (ms) => `+${ms < 10_000 ? `${ms} ms` : span(ms)}`;

/** What a step says, how it went, and what else is to be known. @type {(step: TimelineStep) => [words: string, tone: string, more?: string]} */
export function stepWords(step) {
  switch (step.step) {
    case 'taken': {
      const { attempt } = step.request;
      return [attempt > 1 ? t('step.taken.again', { attempt }) : t('step.taken'), 'plain'];
    }
    case 'asked': {
      const endpoint = host(step.endpoint) + (step.fallback ? ` (${t('fallback')})` : '');
      if (step.result === 'decided')
        return [t('step.asked', { endpoint, status: step.status }), 'good', span(step.ms)];
      return [t('step.asked.failed', { endpoint, result: step.result }), 'bad', step.error];
    }
    case 'decided': {
      if (step.result === 'decided') return [t('step.decided'), 'good', span(step.ms)];
      if (step.result === 'defaulted') return [t('step.defaulted'), 'busy', step.error];
      return [t('step.undecided', { result: step.result }), 'bad', step.error];
    }
    case 'told': {
      const { notification: one } = step;
      if (one.action === 'hangup') {
        const by = one.recovered ? '' : `${t('hung up by')}: ${t(`by.${one.hangup_by}`)}`;
        return [
          t('step.hangup', { cause: one.cause }),
          one.cause === 'NORMAL_CLEARING' ? 'good' : 'busy',
          by,
        ];
      }
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
