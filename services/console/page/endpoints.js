import { api, useApi } from './api.js';
import { html } from './html.js';
import { useLive } from './live.js';
import { Badge, Empty, Trouble, tone } from './parts.js';
import { say, session } from './state.js';
import { clock, span, t } from './words.js';

/** @import { EndpointSummary } from '../../../libs/contract/console.ts' */

/** @param {{ one: EndpointSummary, reload: () => unknown }} props */
function Endpoint({ one, reload }) {
  const { origin, notifications } = one;
  const action = notifications?.state === 'disabled' ? 'enable' : 'disable';
  const change = () =>
    api('POST', `/api/endpoints/${action}`, { origin })
      .then(
        () => say(t(`${action}.done`, { origin })),
        (error) => say(error.message, true),
      )
      .finally(reload);
  const allowed = session.value?.role === 'operator';
  const figures = [
    ['requests', one.requests],
    ['failures', one.failures],
    ['median', span(one.p50_ms)],
    ['p99', span(one.p99_ms)],
  ];
  return html`<section class="card wide">
    <h2><code>${origin}</code>
      ${notifications && html` <${Badge} tone=${tone(notifications.state)}>${t(`endpoint.${notifications.state}`)}<//>`}</h2>
    <dl class="figures">
      ${figures.map(([name, value]) => html`<div><dt>${t(String(name))}</dt><dd class=${name === 'failures' && value ? 'bad' : ''}>${value === '' ? '–' : value}</dd></div>`)}
      ${Object.entries(one.breakers).map(
        ([router, state]) => html`<div><dt>${t('breaker')} <span class="quiet">${router}</span></dt>
          <dd><${Badge} tone=${tone(state)}>${t(`breaker.${state}`)}<//></dd></div>`,
      )}
    </dl>
    ${
      notifications &&
      html`<p class="trouble">${t('since', { time: clock(notifications.since) })}, ${t('failures')}: ${notifications.failures}
        ${notifications.error && ` · ${notifications.error}`}</p>`
    }
    ${
      one.last_errors.length > 0 &&
      html`<h3>${t('last errors')}</h3>
        <ul class="errors">
          ${one.last_errors.map(
            (error) => html`<li><a href="#/calls/${encodeURIComponent(error.uuid)}">${clock(error.time)}</a>
              ${' '}<${Badge} tone="bad">${error.result}<//> ${error.error}</li>`,
          )}
        </ul>`
    }
    <div class="buttons">
      <button disabled=${!allowed} title=${allowed ? undefined : t('read only')} onClick=${change}>${t(action)}</button>
    </div>
  </section>`;
}

export function EndpointsPage() {
  const { data, error, reload } = /** @type {ReturnType<typeof useApi<{ endpoints: EndpointSummary[] }>>} */ (
    useApi('/api/endpoints')
  );
  useLive(['status'], reload);
  return html`<section>
    <${Trouble} error=${error} />
    ${data?.endpoints.length === 0 && html`<${Empty}>${t('endpoints.none')}<//>`}
    <div class="cards">${data?.endpoints.map((one) => html`<${Endpoint} key=${one.origin} one=${one} reload=${reload} />`)}</div>
  </section>`;
}
