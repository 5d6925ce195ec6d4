import { useApi } from './api.js';
import { Chart } from './chart.js';
import { asr, callsAt, count, decimal, share, whole } from './figures.js';
import { html } from './html.js';
import { useLive } from './live.js';
import { NodeStrip } from './node-strip.js';
import { EndpointTable, GatewayTable, LimitTable, ReasonTable } from './overview-tables.js';
import { Trouble } from './parts.js';
import { chosen, overviewPath, timeOfDay, zoomTo } from './window.js';
import { clock, span, t } from './words.js';

/** @import { LimitList } from '../../../libs/contract/console.ts' */
/** @import { Overview } from '../../../libs/contract/overview.ts' */

const HOURS = [1, 6, 24];
const REFRESH_MS = 2000;
const OUTCOMES = /** @type {const} */ (['answered', 'failed', 'not_decided', 'unknown']);
/** @type {Readonly<Record<typeof OUTCOMES[number], string>>} */
const COLOURS = {
  answered: 'chart-good',
  failed: 'chart-busy',
  not_decided: 'chart-bad',
  unknown: 'chart-quiet',
};
const PHASES = /** @type {const} */ (['queue', 'dns', 'connect', 'tls', 'ttfb', 'body', 'other']);

function WindowPicker() {
  const now = chosen.value;
  return html`<div class="picker">
    <div class="switch" role="group" aria-label=${t('window')}>
      ${HOURS.map(
        (hours) => html`<button type="button" aria-pressed=${'hours' in now && now.hours === hours}
          onClick=${() => {
            chosen.value = { hours };
          }}>${t('window.hours', { hours })}</button>`,
      )}
    </div>
    <span class="quiet">${'since' in now ? `${clock(now.since)} – ${clock(now.until)}` : t('window.zoom')}</span>
  </div>`;
}

/** @param {{ label: string, value: string, href?: string | undefined, more?: string, tone?: string }} props */
const Figure = ({ label, value, href, more = '', tone = '' }) => html`<div class="figure">
  <dt>${label}</dt>
  <dd class=${tone}>${href === undefined ? value : html`<a href=${href}>${value}</a>`}<span class="quiet">${more}</span></dd>
</div>`;

/** @param {{ data: Overview }} props */
function Figures({ data }) {
  const { total, live, since, until, notifications } = data;
  const counted = data.kept_since !== undefined && data.kept_since > since ? data.kept_since : since;
  const seconds = Math.max(1, (Date.parse(until) - Date.parse(counted)) / 1000);
  const within = { since, until };
  const { pending, oldest, dead } = notifications;
  const age = oldest === undefined ? '' : t('pending.age', { age: span(Date.now() - Date.parse(oldest)) });
  return html`<dl class="figures-row">
    <${Figure} label=${t('calls')} value=${whole(total.calls)} href=${callsAt(within)} more=${t('per second', { count: decimal(total.calls / seconds) })} />
    <${Figure} label=${t('live calls')} value=${whole(live)} href=${callsAt({ state: 'live' })} />
    ${OUTCOMES.map(
      (
        outcome,
      ) => html`<${Figure} label=${t(`outcome.${outcome}`)} value=${share(total[outcome], total.calls)}
        tone=${outcome === 'not_decided' && total.not_decided > 0 ? 'bad' : ''}
        href=${callsAt({ outcome, ...within })} more=${whole(total[outcome])} />`,
    )}
    <${Figure} label=${t('decision median')} value=${span(total.median_ms) || '–'} href=${total.median_ms && callsAt({ slower_than: total.median_ms, ...within })} />
    <${Figure} label=${t('decision p99')} value=${span(total.p99_ms) || '–'} href=${total.p99_ms && callsAt({ slower_than: total.p99_ms, ...within })} />
    <${Figure} label=${t('asr')} value=${asr(total)} href=${callsAt({ outcome: 'answered', ...within })} />
    <${Figure} label=${t('acd')} value=${total.talked ? span(total.talk_ms / total.talked) : '–'} href=${callsAt({ outcome: 'answered', ...within })} />
    <${Figure} label=${t('pending')} value=${whole(pending)} href=${callsAt({ notifications: 'pending' })} more=${age} tone=${pending > 0 ? 'busy' : ''} />
    <${Figure} label=${t('dead')} value=${whole(dead)} href=${callsAt({ notifications: 'dead', ...within })} tone=${dead > 0 ? 'bad' : ''} />
  </dl>`;
}

/** @param {{ data: Overview }} props */
function Charts({ data }) {
  const { series, step_ms, until } = data;
  const { time } = series;
  const seconds = step_ms / 1000;
  const isRunning = Date.parse(until) > Date.now();
  const rate = series.calls.map((calls, n) => (isRunning && n === time.length - 1 ? null : calls / seconds));
  const shared = { time, clock: timeOfDay, onZoom: zoomTo };
  const one = (/** @type {string} */ label, /** @type {(number | null)[]} */ values) => [
    { label, values, colour: 'chart-accent', fill: true },
  ];
  return html`
    <${Chart} ...${shared} title=${t('chart.rate')} format=${decimal} lines=${one(t('per second.short'), rate)} />
    <${Chart} ...${shared} title=${t('live calls')} format=${count} lines=${one(t('live calls'), series.live)} />
    <${Chart} ...${shared} title=${t('chart.outcomes')} format=${count} stack
      lines=${OUTCOMES.map((outcome) => ({ label: t(`outcome.${outcome}`), colour: COLOURS[outcome], values: series[outcome] }))} />
    <${Chart} ...${shared} title=${t('chart.latency')} format=${span} log
      lines=${[
        { label: t('median'), colour: 'chart-accent', values: series.median_ms },
        { label: t('p99'), colour: 'chart-bad', values: series.p99_ms },
      ]} />
    <${Chart} ...${shared} title=${t('chart.phases')} format=${span} stack
      lines=${PHASES.map((phase) => ({ label: t(`phase.${phase}_ms`), colour: `phase-${phase}`, values: series.phases[phase] }))} />`;
}

export function OverviewPage() {
  const { data, error, reload } = /** @type {ReturnType<typeof useApi<Overview>>} */ (
    useApi(overviewPath(chosen.value))
  );
  const limits = /** @type {ReturnType<typeof useApi<LimitList>>} */ (useApi('/api/limits'));
  useLive(['calls', 'status'], () => Promise.all([reload(), limits.reload()]), undefined, REFRESH_MS);
  if (data === undefined) return html`<${Trouble} error=${error} />`;
  const within = { since: data.since, until: data.until };
  const { kept_since } = data;
  const coverage = kept_since === undefined ? t('kept none') : t('kept since', { time: clock(kept_since) });
  return html`<section class="overview">
    <${NodeStrip} nodes=${data.nodes} within=${within} />
    <${WindowPicker} />
    <${Trouble} error=${error} />
    <${Figures} data=${data} />
    ${(kept_since === undefined || kept_since > data.since) && html`<p class="quiet coverage">${coverage}</p>`}
    <div class="charts">
      <${Charts} data=${data} />
      <div class="reasons">
        <${ReasonTable} title=${t('outcome.failed')} field="cause" reasons=${data.failed} outcome="failed" within=${within} />
        <${ReasonTable} title=${t('outcome.not_decided')} field="result" reasons=${data.not_decided} outcome="not_decided" within=${within} />
      </div>
    </div>
    <${GatewayTable} gateways=${data.gateways} limits=${limits.data} within=${within} />
    <${EndpointTable} endpoints=${data.endpoints} within=${within} />
    <${LimitTable} limits=${limits.data?.limits ?? []} />
  </section>`;
}
