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

/** Changes filters, and the address with them, which can be shared. @type {(change: Record<string, string>) => void} */
const setSearch = (change) => {
  shown.value = PAGE;
  // Every search of the timeline takes seconds: not with each key.
  const all = Object.entries({ ...search.value, scope: '', ...change }).filter(([, value]) => value !== '');
  search.value = Object.fromEntries(all);
  const query = new URLSearchParams(all).toString();
  history.replaceState(null, '', query ? `#/calls?${query}` : '#/calls');
};

/** Filters without a field of their own: those of a link of the overview. */
const LINKED = [
  'scope',
  'outcome',
  'cause',
  'endpoint',
  'gateway',
  'slower_than',
  'notifications',
  'since',
  'until',
];

/** @type {(name: string, value: string) => string} */
function filterWords(name, value) {
  if (name === 'since' || name === 'until') return clock(value);
  if (name === 'slower_than') return span(Number(value));
  return ['outcome', 'notifications', 'scope'].includes(name) ? t(`${name}.${value}`) : value;
}

/** The filters of a link, each with a button that removes it. */
function LinkedFilters() {
  const all = LINKED.flatMap((name) => {
    const value = search.value[name];
    return value ? [{ name, words: `${t(`filter.${name}`)}: ${filterWords(name, value)}` }] : [];
  });
  if (all.length === 0) return null;
  return html`<ul class="filters" aria-label=${t('filters')}>
    ${all.map(
      ({ name, words }) => html`<li key=${name}>${words}
        <button class="small plain" aria-label=${t('filter.remove', { filter: words })} onClick=${() => setSearch({ [name]: '' })}>×</button></li>`,
    )}
  </ul>`;
}

const inTimeline = () => search.value['scope'] === 'timeline';

/** @type {(more: Record<string, string>) => string} */
function queryOf(more) {
  const given = Object.entries(search.value).filter(([, value]) => value.trim() !== '');
  return new URLSearchParams([...given, ...Object.entries(more)]).toString();
}

/** Where the calls come from, and their export. @param {{ data: CallList | undefined, loading: boolean }} props */
function Source({ data, loading }) {
  const searchTimeline = () => setSearch({ scope: 'timeline' });
  const isMissing = data && !data.complete && !inTimeline();
  return html`<div class="count source">
    <span role="status">${loading && inTimeline() ? t('timeline.searching') : data && t('count', { live: data.live, kept: data.kept })}</span>
    ${isMissing && html`<span>${t('timeline.older')}</span> <button class="small" onClick=${searchTimeline}>${t('timeline.search')}</button>`}
    <span class="export">${t('export')}
      ${['csv', 'json'].map(
        (format) =>
          html` <a href=${`/api/export/calls?${queryOf({ format })}`} download aria-label=${`${t('export')} ${format.toUpperCase()}`}>${format.toUpperCase()}</a>`,
      )}</span>
  </div>`;
}

/** @type {(call: CallSummary) => boolean} */
const isNotDecided = ({ outcome }) => outcome === 'not_decided';

/** The state of a live call, the cause or the failed result of an ended one. @type {(call: CallSummary) => { word: string, tone: string }} */
export function outcome(call) {
  const { state, result, cause, billable_ms } = call;
  if (state !== 'ended') return { word: t(`state.${state}`), tone: tone(state) };
  if (isNotDecided(call)) return { word: result ?? '', tone: result === 'caller_gone' ? 'plain' : 'bad' };
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
      call.state !== 'ended' && isNotDecided(call) && html` <${Badge} tone="bad">${call.result}<//>`
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
  const { q = '', state = '', result = '', node = '' } = search.value;
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
  // More of the timeline would mean to read it again.
  const limit = inTimeline() ? MAX_SHOWN : shown.value;
  const { data, error, loading, reload } = /** @type {ReturnType<typeof useApi<CallList>>} */ (
    useApi(`/api/calls?${queryOf({ limit: String(limit) })}`)
  );
  const nodes = /** @type {ReturnType<typeof useApi<NodeList>>} */ (useApi('/api/nodes'));
  const schema = /** @type {ReturnType<typeof useApi<any>>} */ (useApi('/api/openapi.json'));
  useLive(['calls'], () => (inTimeline() ? undefined : reload()));
  const nothing = Object.keys(search.value).length > 0 ? 'search.none' : 'search.empty';
  return html`<section>
    <${Search} nodes=${nodes.data?.nodes.map(({ node }) => node) ?? []}
      results=${schema.data?.components.schemas.CallSummary.properties.result.enum ?? []} />
    <${LinkedFilters} />
    <${Trouble} error=${error} />
    <${Source} data=${data} loading=${loading} />
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
      limit < MAX_SHOWN &&
      html`<p><button onClick=${() => {
        shown.value = Math.min(MAX_SHOWN, shown.value + 100);
      }}>${t('more')}</button></p>`
    }
  </section>`;
}
