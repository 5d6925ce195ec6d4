import { useApi } from './api.js';
import { callsAt, whole } from './figures.js';
import { html } from './html.js';
import { useLive } from './live.js';
import { t } from './words.js';

/** @import { NodeList } from '../../../libs/contract/console.ts' */
/** @import { Overview } from '../../../libs/contract/overview.ts' */

/** @typedef {NodeList['services']} Instances */

/** @type {(instances: Instances) => { tone: string, word: string }} */
function health(instances) {
  const ready = instances.filter((one) => one.ready).length;
  if (instances.length === 0) return { tone: 'bad', word: t('strip.no agent') };
  if (ready < instances.length)
    return { tone: ready === 0 ? 'bad' : 'busy', word: `${ready}/${instances.length} ${t('ready')}` };
  return { tone: 'good', word: t('ready') };
}

/** @param {{ name: string, instances: Instances, href: string, more: string }} props */
function Item({ name, instances, href, more }) {
  const { tone, word } = health(instances);
  return html`<li>
    <i class="dot ${tone}" title=${word}></i><span class="hidden">${word}</span>
    <a href=${href}>${name}</a> <span class="quiet">${more}</span>
  </li>`;
}

/**
 * Every FreeSWITCH node and every kind of service on one strip.
 * @param {{ nodes: Overview['nodes'], within: { since: string, until: string } }} props
 */
export function NodeStrip({ nodes, within }) {
  const { data, reload } = /** @type {ReturnType<typeof useApi<NodeList>>} */ (useApi('/api/nodes'));
  useLive(['status'], reload);
  if (data === undefined) return null;
  const services = Map.groupBy(data.services, ({ service }) => service);
  return html`<ul class="strip" aria-label=${t('nav.nodes')}>
    ${data.nodes.map(({ node, live, agents }) => {
      const calls = nodes.find((one) => one.node === node)?.calls ?? 0;
      return html`<${Item} key=${node} name=${node} instances=${agents} href=${callsAt({ node, ...within })}
        more=${t('strip.calls', { live: whole(live), calls: whole(calls) })} />`;
    })}
    ${[...services].map(
      ([
        service,
        instances,
      ]) => html`<${Item} key=${service} name=${t(`service.${service}`)} instances=${instances}
        href="#/nodes" more=${String(instances.length)} />`,
    )}
  </ul>`;
}
