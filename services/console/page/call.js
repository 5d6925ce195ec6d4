import { useState } from 'preact/hooks';
import { api, useApi } from './api.js';
import { outcome } from './calls.js';
import { Decision } from './decision.js';
import { Diagram } from './diagram.js';
import { html } from './html.js';
import { useLive } from './live.js';
import { Notifications } from './notifications.js';
import { Badge, Confirm, Trouble } from './parts.js';
import { say, session } from './state.js';
import { Timeline } from './timeline.js';
import { clock, span, t } from './words.js';

/** @import { CallDetail, CallSummary } from '../../../libs/contract/console.ts' */

/** @param {{ call: CallSummary }} props */
function Controls({ call }) {
  const [chosen, choose] = useState(/** @type {'hangup' | 'transfer' | undefined} */ (undefined));
  if (call.state === 'ended') return null;
  const allowed = session.value?.role === 'operator';
  const path = `/api/calls/${encodeURIComponent(call.uuid)}`;
  const close = () => choose(undefined);
  const hangUp = () =>
    api('POST', `${path}/hangup`, {})
      .then(
        () => say(t('hang up.done')),
        (error) => say(error.message, true),
      )
      .finally(close);
  const transfer = () => {
    const form = new FormData(/** @type {HTMLFormElement} */ (document.querySelector('dialog form')));
    const destination = String(form.get('destination'));
    const context = String(form.get('context'));
    return api('POST', `${path}/transfer`, { destination, ...(context ? { context } : {}) })
      .then(
        () => say(t('transfer.done', { to: destination })),
        (error) => say(error.message, true),
      )
      .finally(close);
  };
  const title = allowed ? undefined : t('read only');
  return html`<div class="buttons">
    <button class="danger" disabled=${!allowed} title=${title} onClick=${() => choose('hangup')}>${t('hang up')}</button>
    <button disabled=${!allowed} title=${title} onClick=${() => choose('transfer')}>${t('transfer')}</button>
    ${
      chosen === 'hangup' &&
      html`<${Confirm} title=${t('hang up.sure', call)} yes=${t('hang up')} onYes=${hangUp} onNo=${close} />`
    }
    ${
      chosen === 'transfer' &&
      html`<${Confirm} title=${t('transfer')} yes=${t('transfer')} onYes=${transfer} onNo=${close}>
        <label>${t('transfer.to')}<input name="destination" required pattern="[A-Za-z0-9_*#+.][A-Za-z0-9_*#+.\\-]*" autofocus /></label>
        <label>${t('transfer.context')}<input name="context" /></label>
      <//>`
    }
  </div>`;
}

/** @param {{ detail: CallDetail }} props */
function Facts({ detail: { call, trace_url, trace_id } }) {
  const facts = [
    ['result', call.result],
    ['decision', span(call.decision_ms)],
    ['duration', span(call.duration_ms)],
    ['talked', call.billable_ms === undefined ? '' : span(call.billable_ms)],
    ['cause', call.cause],
    ['sip status', call.sip_status],
    ['hung up by', call.hangup_by && t(`by.${call.hangup_by}`)],
    ['node', call.node],
    ['endpoint', call.endpoint],
    [
      'trace',
      trace_url
        ? html`<a href=${trace_url} target="_blank" rel="noreferrer">${trace_id.slice(0, 16)}…</a>`
        : '',
    ],
  ];
  return html`<dl class="facts">
    ${facts.filter(([, value]) => value).map(([key, value]) => html`<div><dt>${t(String(key))}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}

/** @param {{ call: CallSummary }} props */
function Heading({ call }) {
  const { word, tone } = outcome(call);
  const copy = () => navigator.clipboard?.writeText(call.uuid).then(() => say(t('copied')));
  return html`<div class="heading">
    <h1>${call.from || '?'} <span class="quiet">${call.from_name}</span> → ${call.to || '?'} <${Badge} tone=${tone}>${word}<//></h1>
    <p class="quiet"><time datetime=${call.started}>${clock(call.started, true)}</time> · <code>${call.uuid}</code>
      ${' '}<button class="small" onClick=${copy}>${t('copy')}</button></p>
    <${Controls} call=${call} />
  </div>`;
}

/** @param {{ uuid: string }} props */
export function CallPage({ uuid }) {
  const path = `/api/calls/${encodeURIComponent(uuid)}`;
  const { data, error, reload } = /** @type {ReturnType<typeof useApi<CallDetail>>} */ (useApi(path));
  useLive(['calls'], reload, (calls) => calls.some((call) => call.uuid === uuid));
  const unknown = error !== undefined && 'status' in error && error.status === 404;
  return html`<section class="call">
    <p><a class="back" href="#/calls">← ${t('back')}</a></p>
    ${!data && html`<h1 class="hidden">${t('call')}</h1>`}
    ${unknown ? html`<p class="empty">${t('call.none')}</p>` : html`<${Trouble} error=${error} />`}
    ${
      data &&
      html`<${Heading} call=${data.call} />
        <${Facts} detail=${data} />
        <div class="columns">
          <${Diagram} detail=${data} />
          <${Timeline} detail=${data} />
          <div>${data.decisions.map((one, n) => html`<${Decision} key=${n} decision=${one} many=${data.decisions.length > 1} />`)}</div>
          <div><${Notifications} notifications=${data.notifications} /></div>
        </div>`
    }
  </section>`;
}
