import { html } from './html.js';
import { Badge, tone } from './parts.js';
import { span, t } from './words.js';

/** @import { CallDetail } from '../../../libs/contract/console.ts' */

/** @typedef {CallDetail['decisions'][number]} Decision */
/** @typedef {Decision['requested'][number]} Requested */

/** @type {(text: string) => string} */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}

/** Duration of each phase of the request. @param {{ phases: Requested['phases'] }} props */
function Phases({ phases }) {
  const all = Object.entries(phases).filter(([, ms]) => ms !== undefined);
  const total = all.reduce((sum, [, ms]) => sum + ms, 0);
  if (total <= 0) return null;
  return html`<div class="phases">
    <div class="bar" aria-hidden="true">
      ${all.map(([name, ms]) => html`<span class=${name} style=${{ flexGrow: ms / total }}></span>`)}
    </div>
    <p>${all.map(([name, ms]) => html`<span class="key ${name}">${t(`phase.${name}`)} ${span(ms)}</span>`)}</p>
  </div>`;
}

/** @param {{ requested: Requested }} props */
const Answer = ({ requested }) => html`<div class="answer">
  <p><code>${requested.endpoint}</code> ${requested.fallback && html`<${Badge} tone="busy">${t('fallback')}<//>`}
    ${requested.cache && html`<${Badge} tone="busy">${t(`cache.${requested.cache.outcome}`)} ${span(requested.cache.age_ms)}<//>`}</p>
  <p><${Badge} tone=${requested.result === 'decided' ? 'good' : 'bad'}>${requested.result}<//> ${requested.status}
    ${' '}<span class="quiet">${span(requested.ms)} · ${requested.by}</span></p>
  ${requested.error && html`<p class="trouble">${requested.error}</p>`}
  ${requested.not_cached && html`<p class="quiet">${requested.not_cached}</p>`}
  <${Phases} phases=${requested.phases} />
  ${requested.answer && html`<pre tabindex="0">${pretty(requested.answer)}</pre>`}
</div>`;

/** @param {{ decision: Decision, many: boolean }} props */
export function Decision({ decision: { request, requested, decided }, many }) {
  return html`<section class="decision">
    <h2>${t('decision')} ${many && request ? t('attempt', request) : ''}
      ${decided && html` <${Badge} tone=${tone(decided.result) === 'plain' ? 'bad' : tone(decided.result)}>${decided.result}<//>`}</h2>
    <h3>${t('answers')}</h3>
    ${requested.length > 0 ? requested.map((one) => html`<${Answer} requested=${one} />`) : html`<p class="quiet">${t('not requested')}</p>`}
    ${decided?.error && requested.every(({ error }) => error !== decided.error) && html`<p class="trouble">${decided.error}</p>`}
    ${
      decided &&
      decided.applications.length > 0 &&
      html`<h3>${t('applications')}</h3>
        <ol class="applications">${decided.applications.map((one) => html`<li><code>${one}</code></li>`)}</ol>`
    }
    ${request && html`<details><summary>${t('request')}</summary><pre tabindex="0">${JSON.stringify(request, undefined, 2)}</pre></details>`}
  </section>`;
}
