import { html } from './html.js';
import { Badge, tone } from './parts.js';
import { clock, span, t } from './words.js';

/** @import { CallDetail } from '../../../libs/contract/console.ts' */

/** The number of the other party. @type {(notification: CallDetail['notifications'][number]['notification']) => string} */
function numberOf(notification) {
  if (notification === undefined || notification.action === 'hangup') return '';
  return notification.action === 'transfer' ? (notification.to_number ?? '') : notification.called_number;
}

/** @param {{ one: CallDetail['notifications'][number] }} props */
const Notification = ({ one }) => html`<li>
  <p><b>${t(`action.${one.id.split('.').at(-1)}`)}</b>
    ${' '}<span class="quiet">${numberOf(one.notification)}</span>
    ${' '}<${Badge} tone=${tone(one.state)}>${t(`delivery.${one.state}`)}<//></p>
  <ol class="attempts">
    ${one.attempts.map(
      ({ time, attempt, outcome, status, error, ms, by }) => html`<li class=${tone(outcome)}>
        <time datetime=${time}>${clock(time, true)}</time> ${t('attempt', { attempt })}:
        ${' '}${error ?? status} <span class="quiet">${span(ms)} · ${by}</span>
      </li>`,
    )}
  </ol>
  ${one.notification && html`<details><summary>${t('show')}</summary><pre tabindex="0">${JSON.stringify(one.notification, undefined, 2)}</pre></details>`}
</li>`;

/** @param {{ notifications: CallDetail['notifications'] }} props */
export const Notifications = ({ notifications }) => html`<section>
  <h2>${t('notifications')}</h2>
  ${notifications.length === 0 && html`<p class="quiet">${t('notifications.none')}</p>`}
  <ul class="notifications">${notifications.map((one) => html`<${Notification} key=${one.id} one=${one} />`)}</ul>
</section>`;
