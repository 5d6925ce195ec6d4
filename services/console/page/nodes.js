import { useApi } from './api.js';
import { html } from './html.js';
import { useLive } from './live.js';
import { Badge, Empty, Trouble } from './parts.js';
import { clock, span, t } from './words.js';

/** @import { LimitList, NodeList } from '../../../libs/contract/console.ts' */

/** @type {(name: string) => string} */
const figureName = (name) => name.replace(/_(bytes|ms)$/, '').replaceAll('_', ' ');
/** @type {(name: string, value: number) => string} */
const figure = (name, value) => {
  if (name.endsWith('_bytes')) return `${Math.round(value / 1e6)} MB`;
  return name.endsWith('_ms') ? span(value) : String(value);
};

/** @param {{ one: NodeList['services'][number] }} props */
function Instance({ one }) {
  const troubles = Object.entries(one.checks).filter(([, state]) => state !== 'ok');
  return html`<li class="instance">
    <p><b>${one.instance}</b> <${Badge} tone=${one.ready ? 'good' : 'bad'}>${t(one.ready ? 'ready' : 'not ready')}<//></p>
    <p class="quiet">${t('since', { time: clock(one.started) })} · ${t('version', one)}</p>
    ${troubles.map(([name, state]) => html`<p class="trouble">${name}: ${state}</p>`)}
    <dl class="figures">
      ${Object.entries(one.figures).map(([name, value]) => html`<div><dt>${figureName(name)}</dt><dd>${figure(name, value)}</dd></div>`)}
    </dl>
  </li>`;
}

/** @type {(value: number, most: number | undefined) => string} */
const ofMost = (value, most) => (most === undefined ? String(value) : `${value} / ${most}`);

function Limits() {
  const { data, reload } = /** @type {ReturnType<typeof useApi<LimitList>>} */ (useApi('/api/limits'));
  useLive(['status'], reload);
  const { limits = [], gateways = [] } = data ?? {};
  return html`
    ${
      limits.length > 0 &&
      html`<h2>${t('limits')}</h2>
        <div class="cards">
          ${limits.map(
            ({ limit, used, recent, max, rate, refused }) => html`<section class="card" key=${limit}>
              <h2><code>${limit}</code> ${max !== undefined && used >= max && html`<${Badge} tone="bad">${t('limits.reached')}<//>`}</h2>
              <dl class="figures">
                <div><dt>${t('limits.at once')}</dt><dd>${ofMost(used, max)}</dd></div>
                <div><dt>${t('limits.per second')}</dt><dd>${ofMost(recent, rate)}</dd></div>
                <div><dt>${t('limits.refused')}</dt><dd class=${refused ? 'bad' : ''}>${refused}</dd></div>
              </dl>
            </section>`,
          )}
        </div>`
    }
    ${
      gateways.length > 0 &&
      html`<h2>${t('gateways')}</h2>
        <div class="cards">
          ${gateways.map(
            ({
              gateway,
              node,
              failures,
              rests_until,
            }) => html`<section class="card" key=${`${node} ${gateway}`}>
              <h2><code>${gateway}</code> <span class="quiet">${node}</span>
                ${rests_until && html` <${Badge} tone="bad">${t('gateways.rests', { time: clock(rests_until) })}<//>`}</h2>
              <p class="trouble">${t('gateways.failures', { count: failures })}</p>
            </section>`,
          )}
        </div>`
    }`;
}

export function NodesPage() {
  const { data, error, reload } = /** @type {ReturnType<typeof useApi<NodeList>>} */ (useApi('/api/nodes'));
  useLive(['status'], reload);
  return html`<section>
    <${Trouble} error=${error} />
    ${data && data.nodes.length + data.services.length === 0 && html`<${Empty}>${t('nodes.none')}<//>`}
    <div class="cards">
      ${data?.nodes.map(
        ({ node, live, agents }) => html`<section class="card" key=${node}>
          <h2>${node} <span class="quiet">${t('nodes.live', { count: live })}</span></h2>
          ${agents.length === 0 && html`<p class="trouble">${t('nodes.no agent')}</p>`}
          <ul>${agents.map((one) => html`<${Instance} key=${one.instance} one=${one} />`)}</ul>
        </section>`,
      )}
    </div>
    <${Limits} />
    ${
      data &&
      data.services.length > 0 &&
      html`<h2>${t('services')}</h2>
        <div class="cards">
          ${data.services.map((one) => html`<section class="card" key=${one.instance}><ul><${Instance} one=${one} /></ul></section>`)}
        </div>`
    }
  </section>`;
}
