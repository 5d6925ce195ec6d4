import { html } from './html.js';
import { Badge, tone } from './parts.js';
import { span, t } from './words.js';

/** @import { CallDetail } from '../../../libs/contract/console.ts' */

/** @typedef {CallDetail['decisions'][number]} Decision */
/** @typedef {Decision['asked'][number]} Asked */

/** @type {(text: string) => string} */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}

/** Where the time went. @param {{ phases: Asked['phases'] }} props */
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

/** @param {{ asked: Asked }} props */
const Answer = ({ asked }) => html`<div class="answer">
  <p><code>${asked.endpoint}</code> ${asked.fallback && html`<${Badge} tone="busy">${t('fallback')}<//>`}</p>
  <p><${Badge} tone=${asked.result === 'decided' ? 'good' : 'bad'}>${asked.result}<//> ${asked.status}
    ${' '}<span class="quiet">${span(asked.ms)} · ${asked.by}</span></p>
  ${asked.error && html`<p class="trouble">${asked.error}</p>`}
  <${Phases} phases=${asked.phases} />
  ${asked.answer && html`<pre tabindex="0">${pretty(asked.answer)}</pre>`}
</div>`;

/** @param {{ decision: Decision, many: boolean }} props */
export function Decision({ decision: { request, asked, decided }, many }) {
  return html`<section class="decision">
    <h2>${t('decision')} ${many && request ? t('attempt', request) : ''}
      ${decided && html` <${Badge} tone=${tone(decided.result) === 'plain' ? 'bad' : tone(decided.result)}>${decided.result}<//>`}</h2>
    <h3>${t('was answered')}</h3>
    ${asked.length > 0 ? asked.map((one) => html`<${Answer} asked=${one} />`) : html`<p class="quiet">${t('not asked')}</p>`}
    ${decided?.error && asked.every(({ error }) => error !== decided.error) && html`<p class="trouble">${decided.error}</p>`}
    ${
      decided &&
      decided.told.length > 0 &&
      html`<h3>${t('was told')}</h3>
        <ol class="told">${decided.told.map((one) => html`<li><code>${one}</code></li>`)}</ol>`
    }
    ${request && html`<details><summary>${t('was asked')}</summary><pre tabindex="0">${JSON.stringify(request, undefined, 2)}</pre></details>`}
  </section>`;
}
