import { useApi } from './api.js';
import { html } from './html.js';
import { useLive } from './live.js';
import { Badge, Empty, Trouble } from './parts.js';
import { clock, span, t } from './words.js';

/** @import { NodeList } from '../../../libs/contract/console.ts' */

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

export function NodesPage() {
  const { data, error, reload } = /** @type {ReturnType<typeof useApi<NodeList>>} */ (useApi('/api/nodes'));
  useLive('status', reload);
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
