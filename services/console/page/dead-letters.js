import { useState } from 'preact/hooks';
import { api, useApi } from './api.js';
import { html } from './html.js';
import { useLive } from './live.js';
import { Badge, Confirm, Empty, Trouble } from './parts.js';
import { say, session } from './state.js';
import { clock, t } from './words.js';

/** @import { DeadLetter } from '../../../libs/contract/console.ts' */

/** @typedef {{ what: string, request: object }} Replay */

/** @type {(result: { replayed: number, skipped: Record<string, number> }) => string} */
const resultWords = ({ replayed, skipped }) =>
  [
    t('replay.done', { count: replayed }),
    ...Object.entries(skipped).map(([origin, count]) => t('replay.skipped', { origin, count })),
  ].join(' ');

/** @param {{ deadLetter: DeadLetter, confirm: (replay: Replay) => void, allowed: boolean }} props */
function Row({ deadLetter, confirm, allowed }) {
  const { id, call, time, endpoint, url, reason, attempts, error, notification } = deadLetter;
  const title = allowed ? undefined : t('read only');
  const replays = /** @type {const} */ ([
    ['replay', { ids: [id] }, t(`action.${notification.action}`)],
    ['replay.call', { call }, `${t('call')} ${call}`],
    ['replay.endpoint', { endpoint }, endpoint],
  ]);
  return html`<li class="card wide">
    <p><b>${t(`action.${notification.action}`)}</b> <a href="#/calls/${encodeURIComponent(call)}">${notification.caller_id_number} → ${notification.destination_number}</a>
      ${' '}<${Badge} tone="bad">${t(`reason.${reason}`)}<//> <span class="quiet">${clock(time)} · ${t('attempts')}: ${attempts}</span></p>
    <p><code>${url}</code></p>
    <p class="trouble">${error}</p>
    <div class="buttons">
      ${replays.map(
        ([word, request, what]) =>
          html`<button disabled=${!allowed} title=${title} onClick=${() => confirm({ request, what })}>${t(word)}</button>`,
      )}
      <details><summary>${t('show')}</summary><pre tabindex="0">${JSON.stringify(deadLetter, undefined, 2)}</pre></details>
    </div>
  </li>`;
}

export function DeadLettersPage() {
  const [chosen, confirm] = useState(/** @type {Replay | undefined} */ (undefined));
  const { data, error, reload } =
    /** @type {ReturnType<typeof useApi<{ dead_letters: DeadLetter[], total: number }>>} */ (
      useApi('/api/dead-letters')
    );
  useLive(['status'], reload);
  const allowed = session.value?.role === 'operator';
  const close = () => confirm(undefined);
  const replay = () =>
    api('POST', '/api/dead-letters/replay', chosen?.request)
      .then(
        (result) => say(resultWords(result)),
        (problem) => say(problem.message, true),
      )
      .then(close)
      .then(reload, console.error);
  return html`<section>
    <${Trouble} error=${error} />
    ${data?.total === 0 && html`<${Empty}>${t('dead-letters.none')}<//>`}
    ${
      data &&
      data.total > 0 &&
      html`<p class="count">${t('dead-letters.total', { count: data.total })}
          ${' '}<button disabled=${!allowed} title=${allowed ? undefined : t('read only')}
            onClick=${() => confirm({ request: { all: true }, what: t('dead-letters.all', { count: data.total }) })}>${t('replay.all')}</button></p>
        <ul class="cards">${data.dead_letters.map((one) => html`<${Row} key=${one.id} deadLetter=${one} confirm=${confirm} allowed=${allowed} />`)}</ul>`
    }
    ${
      chosen &&
      html`<${Confirm} title=${t('replay.sure', chosen)} yes=${t('replay')} onYes=${replay} onNo=${close} />`
    }
  </section>`;
}
