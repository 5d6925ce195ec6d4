import { asr, callsAt, share, whole } from './figures.js';
import { html } from './html.js';
import { Badge } from './parts.js';
import { clock, span, t } from './words.js';

/** @import { ComponentChildren } from 'preact' */
/** @import { LimitList } from '../../../libs/contract/console.ts' */
/** @import { Overview } from '../../../libs/contract/overview.ts' */

/** @typedef {{ since: string, until: string }} Within */

/**
 * A table with a row header and columns of numbers.
 * @param {{ title: string, columns: readonly string[], rows: readonly { name: ComponentChildren, cells: readonly ComponentChildren[] }[] }} props
 */
const Numbers = ({ title, columns, rows }) => html`<div class="card wide">
  <h2>${title}</h2>
  <div class="scroll" tabindex="0" role="region" aria-label=${title}><table class="numbers">
    <thead><tr><td></td>${columns.map((one) => html`<th scope="col" class="number">${one}</th>`)}</tr></thead>
    <tbody>${rows.map(
      ({ name, cells }) =>
        html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td class="number">${cell}</td>`)}</tr>`,
    )}</tbody>
  </table></div>
</div>`;

/** @type {(ms: number, calls: number) => string} */
const mean = (ms, calls) => (calls === 0 ? '–' : span(ms / calls));

/** @param {{ title: string, field: string, outcome: string, reasons: Overview['failed'], within: Within }} props */
export function ReasonTable({ title, field, outcome, reasons, within }) {
  const all = reasons.reduce((sum, { calls }) => sum + calls, 0);
  if (all === 0)
    return html`<div class="card"><h2>${title}</h2><p class="quiet">${t('reasons.none')}</p></div>`;
  return html`<div class="card"><h2>${title}</h2>
    <table class="numbers">
      <thead class="hidden"><tr><th scope="col">${t(field)}</th><th scope="col">${t('calls')}</th><th scope="col">${t('share')}</th></tr></thead>
      <tbody>${reasons.map(
        ({ reason, calls }) => html`<tr key=${reason}>
          <th scope="row"><a href=${callsAt({ outcome, [field]: reason, ...within })}>${reason.split('_').map((part, n) => (n === 0 ? part : html`_<wbr />${part}`))}</a></th>
          <td class="number"><a href=${callsAt({ outcome, [field]: reason, ...within })}>${whole(calls)}</a></td><td class="number quiet">${share(calls, all)}</td></tr>`,
      )}</tbody>
    </table></div>`;
}

/** @param {{ gateways: Overview['gateways'], limits: LimitList | undefined, within: Within }} props */
export function GatewayTable({ gateways, limits, within }) {
  const troubled = limits?.gateways ?? [];
  const names = [
    ...new Set([...gateways.map(({ gateway }) => gateway), ...troubled.map(({ gateway }) => gateway)]),
  ];
  if (names.length === 0) return null;
  const rows = names.map((gateway) => {
    const { legs, answered, talk_ms } = gateways.find((one) => one.gateway === gateway) ?? {
      ...{ legs: 0, answered: 0, talk_ms: 0 },
    };
    const limit = limits?.limits.find((one) => one.limit === `gw:${gateway}`);
    const states = troubled
      .filter((one) => one.gateway === gateway)
      .map(({ node, failures, rests_until }) =>
        rests_until
          ? html`<${Badge} tone="bad">${node}: ${t('gateways.rests', { time: clock(rests_until) })}<//> `
          : html`<${Badge} tone="busy">${node}: ${t('gateways.failures', { count: failures })}<//> `,
      );
    const at = callsAt({ gateway, ...within });
    return {
      name: html`<a href=${at}>${gateway}</a>`,
      cells: [
        states,
        html`<a href=${at}>${whole(legs)}</a>`,
        share(answered, legs),
        mean(talk_ms, answered),
        limit === undefined ? '–' : `${limit.used} / ${limit.max ?? '–'}`,
      ],
    };
  });
  return html`<${Numbers} title=${t('gateway.title')} columns=${[t('state'), t('legs'), t('asr'), t('acd'), t('limits.at once')]} rows=${rows} />`;
}

/** @param {{ endpoints: Overview['endpoints'], within: Within }} props */
export function EndpointTable({ endpoints, within }) {
  if (endpoints.length === 0) return null;
  const rows = endpoints.map((one) => {
    const of = { endpoint: one.origin, ...within };
    const link = (/** @type {Record<string, string | number>} */ filter, /** @type {string} */ text) =>
      html`<a href=${callsAt({ ...of, ...filter })}>${text}</a>`;
    return {
      name: html`<a href=${callsAt(of)}>${one.origin}</a>`,
      cells: [
        link({}, whole(one.calls)),
        link({ outcome: 'answered' }, asr(one)),
        mean(one.talk_ms, one.talked),
        link({ outcome: 'not_decided' }, whole(one.not_decided)),
        whole(one.requests),
        html`<span class=${one.failures ? 'bad' : ''}>${whole(one.failures)}</span>`,
        span(one.median_ms) || '–',
        span(one.p99_ms) || '–',
      ],
    };
  });
  const columns = ['calls', 'asr', 'acd', 'outcome.not_decided', 'requests', 'failures', 'median', 'p99'];
  return html`<${Numbers} title=${t('nav.endpoints')} columns=${columns.map((one) => t(one))} rows=${rows} />`;
}

/** @param {{ limits: LimitList['limits'] }} props */
export function LimitTable({ limits }) {
  if (limits.length === 0) return null;
  const rows = limits.map(({ limit, used, recent, max, rate, refused }) => ({
    name: html`${limit} ${max !== undefined && used >= max && html`<${Badge} tone="bad">${t('limits.reached')}<//>`}`,
    cells: [
      `${whole(used)} / ${max ?? '–'}`,
      `${whole(recent)} / ${rate ?? '–'}`,
      html`<span class=${refused ? 'bad' : ''}>${whole(refused)}</span>`,
    ],
  }));
  const columns = ['limits.at once', 'limits.per second', 'limits.refused'].map((one) => t(one));
  return html`<${Numbers} title=${t('limits')} columns=${columns} rows=${rows} />`;
}
