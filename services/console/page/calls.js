import { signal } from '@preact/signals';
import { useApi } from './api.js';
import { html } from './html.js';
import { useLive } from './live.js';
import { Badge, Empty, Trouble, tone } from './parts.js';
import { search } from './state.js';
import { clock, span, t } from './words.js';

/** @import { CallList, CallSummary, NodeList } from '../../../libs/contract/console.ts' */

const PAGE = 50;
const MAX_SHOWN = 500;
const shown = signal(PAGE);

/** @type {(change: Partial<typeof search.value>) => void} */
const setSearch = (change) => {
  shown.value = PAGE;
  search.value = { ...search.value, ...change };
};

function queryOf() {
  const given = Object.entries(search.value).filter(([, value]) => value.trim() !== '');
  return new URLSearchParams([...given, ['limit', String(shown.value)]]).toString();
}

/** @type {(call: Pick<CallSummary, 'result'>) => boolean} */
const undecided = ({ result }) => result !== undefined && result !== 'decided' && result !== 'defaulted';

/** The state of a live call, the cause or the failed result of an ended one. @type {(call: CallSummary) => { word: string, tone: string }} */
export function outcome({ state, result, cause, billable_ms }) {
  if (state !== 'ended') return { word: t(`state.${state}`), tone: tone(state) };
  if (undecided({ result })) return { word: result ?? '', tone: result === 'caller_gone' ? 'plain' : 'bad' };
  return { word: cause ?? result ?? t('state.ended'), tone: billable_ms ? 'good' : 'plain' };
}

/** @param {{ call: CallSummary }} props */
function Row({ call }) {
  const { word, tone } = outcome(call);
  const { published, delivered, dead, retried } = call.notifications;
  const at = `#/calls/${encodeURIComponent(call.uuid)}`;
  return html`<tr>
    <td class="time"><a href=${at}>${clock(call.started)}</a></td>
    <td class="state"><${Badge} tone=${tone}>${word}<//>${
      call.state !== 'ended' && undecided(call) && html` <${Badge} tone="bad">${call.result}<//>`
    }</td>
    <td class="who"><b>${call.from || '?'}</b> <span class="quiet">${call.from_name}</span></td>
    <td class="whom"><span class="arrow">→ </span><b>${call.to || '?'}</b></td>
    <td class="node">${call.node}</td>
    <td class="number" data-label=${t('decision')}>${span(call.decision_ms)}</td>
    <td class="number" data-label=${t('duration')}>${span(call.duration_ms)}</td>
    <td class="number delivered ${dead ? 'bad' : retried ? 'busy' : ''}" data-label=${t('delivered')}
      title=${t('delivered.title', { published, delivered })}>${published ? `${delivered}/${published}` : ''}</td>
    <td class="uuid quiet">${call.uuid.slice(0, 8)}</td>
  </tr>`;
}

/** @param {{ value: string, all: string, among: readonly string[], label: string, onPick: (value: string) => void }} props */
const Pick = ({ value, all, among, label, onPick }) => html`<select
  aria-label=${label}
  value=${value}
  onChange=${(/** @type {{ currentTarget: HTMLSelectElement }} */ event) => onPick(event.currentTarget.value)}
>
  <option value="">${all}</option>
  ${among.map((one) => html`<option value=${one} selected=${one === value}>${one}</option>`)}
</select>`;

/** @param {{ nodes: readonly string[], results: readonly string[] }} props */
function Search({ nodes, results }) {
  const { q, state, result, node } = search.value;
  const states = /** @type {const} */ ([
    ['', 'all'],
    ['live', 'only.live'],
    ['ended', 'only.ended'],
  ]);
  return html`<form class="search" role="search" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
    <input type="search" value=${q} placeholder=${t('search')} aria-label=${t('search')} spellcheck="false" autocomplete="off"
      onInput=${(/** @type {{ currentTarget: HTMLInputElement }} */ event) => setSearch({ q: event.currentTarget.value })} />
    <kbd title=${t('search')}>/</kbd>
    <div class="switch" role="group" aria-label=${t('state')}>
      ${states.map(
        ([value, word]) =>
          html`<button type="button" aria-pressed=${state === value} onClick=${() => setSearch({ state: value })}>${t(word)}</button>`,
      )}
    </div>
    <${Pick} value=${result} all=${t('any result')} among=${results} label=${t('result')}
      onPick=${(/** @type {string} */ value) => setSearch({ result: value })} />
    <${Pick} value=${node} all=${t('any node')} among=${nodes} label=${t('node')}
      onPick=${(/** @type {string} */ value) => setSearch({ node: value })} />
  </form>`;
}

export function CallsPage() {
  const { data, error, reload } = /** @type {ReturnType<typeof useApi<CallList>>} */ (
    useApi(`/api/calls?${queryOf()}`)
  );
  const nodes = /** @type {ReturnType<typeof useApi<NodeList>>} */ (useApi('/api/nodes'));
  const schema = /** @type {ReturnType<typeof useApi<any>>} */ (useApi('/api/openapi.json'));
  useLive('calls', reload);
  const { q, state, result, node } = search.value;
  const nothing = q || state || result || node ? 'search.none' : 'search.empty';
  return html`<section>
    <${Search} nodes=${nodes.data?.nodes.map(({ node }) => node) ?? []}
      results=${schema.data?.components.schemas.CallSummary.properties.result.enum ?? []} />
    <${Trouble} error=${error} />
    ${data && html`<p class="count">${t('count', { live: data.live, kept: data.kept })}</p>`}
    ${data?.calls.length === 0 && html`<${Empty}>${t(nothing)}<//>`}
    ${
      data &&
      data.calls.length > 0 &&
      html`<table class="calls">
        <thead><tr>
          ${['time', 'state', 'from', 'to', 'node', 'decision', 'duration', 'delivered', 'call'].map(
            (key) =>
              html`<th scope="col" class=${['decision', 'duration', 'delivered'].includes(key) ? 'number' : ''}>${t(key)}</th>`,
          )}
        </tr></thead>
        <tbody>${data.calls.map((call) => html`<${Row} key=${call.uuid} call=${call} />`)}</tbody>
      </table>`
    }
    ${
      data?.next !== undefined &&
      shown.value < MAX_SHOWN &&
      html`<p><button onClick=${() => {
        shown.value = Math.min(MAX_SHOWN, shown.value + 100);
      }}>${t('more')}</button></p>`
    }
  </section>`;
}
