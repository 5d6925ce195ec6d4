import { useState } from 'preact/hooks';
import { api, useApi } from './api.js';
import { html } from './html.js';
import { useLive } from './live.js';
import { Badge, Empty, Question, Trouble } from './parts.js';
import { say, session } from './state.js';
import { clock, t } from './words.js';

/** @import { Letter } from '../../../libs/contract/console.ts' */

/** @typedef {{ what: string, request: object }} Wanted */

/** @type {(answer: { replayed: number, skipped: Record<string, number> }) => string} */
const outcomeWords = ({ replayed, skipped }) =>
  [
    t('replay.done', { count: replayed }),
    ...Object.entries(skipped).map(([origin, count]) => t('replay.skipped', { origin, count })),
  ].join(' ');

/** @param {{ letter: Letter, ask: (wanted: Wanted) => void, allowed: boolean }} props */
function LetterRow({ letter, ask, allowed }) {
  const { id, call, time, endpoint, url, reason, attempts, error, notification } = letter;
  const title = allowed ? undefined : t('read only');
  const wanted = /** @type {const} */ ([
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
      ${wanted.map(
        ([word, request, what]) =>
          html`<button disabled=${!allowed} title=${title} onClick=${() => ask({ request, what })}>${t(word)}</button>`,
      )}
      <details><summary>${t('show')}</summary><pre tabindex="0">${JSON.stringify(letter, undefined, 2)}</pre></details>
    </div>
  </li>`;
}

export function LettersPage() {
  const [asked, ask] = useState(/** @type {Wanted | undefined} */ (undefined));
  const { data, error, reload } =
    /** @type {ReturnType<typeof useApi<{ letters: Letter[], total: number }>>} */ (
      useApi('/api/dead-letters')
    );
  useLive('status', reload);
  const allowed = session.value?.role === 'operator';
  const close = () => ask(undefined);
  const replay = () =>
    api('POST', '/api/dead-letters/replay', asked?.request)
      .then(
        (answer) => say(outcomeWords(answer)),
        (problem) => say(problem.message, true),
      )
      .finally(() => {
        close();
        reload();
      });
  return html`<section>
    <${Trouble} error=${error} />
    ${data?.total === 0 && html`<${Empty}>${t('letters.none')}<//>`}
    ${
      data &&
      data.total > 0 &&
      html`<p class="count">${t('letters.total', { count: data.total })}
          ${' '}<button disabled=${!allowed} title=${allowed ? undefined : t('read only')}
            onClick=${() => ask({ request: { all: true }, what: t('letters.total', { count: data.total }) })}>${t('replay.all')}</button></p>
        <ul class="cards">${data.letters.map((letter) => html`<${LetterRow} key=${letter.id} letter=${letter} ask=${ask} allowed=${allowed} />`)}</ul>`
    }
    ${
      asked &&
      html`<${Question} title=${t('replay.sure', asked)} yes=${t('replay')} onYes=${replay} onNo=${close} />`
    }
  </section>`;
}
