import { useEffect } from 'preact/hooks';
import { api } from './api.js';
import { CallPage } from './call.js';
import { CallsPage } from './calls.js';
import { DeadLettersPage } from './dead-letters.js';
import { EndpointsPage } from './endpoints.js';
import { html } from './html.js';
import { connected } from './live.js';
import { NodesPage } from './nodes.js';
import { OverviewPage } from './overview.js';
import { goTo, language, notice, route, session, theme } from './state.js';
import { t } from './words.js';

const PAGES = ['overview', 'calls', 'nodes', 'endpoints', 'dead-letters'];
const THEMES = /** @type {const} */ (['auto', 'light', 'dark']);
const SIGNS = { auto: '◐', light: '☀', dark: '☾' };

function Page() {
  const { page, id } = route.value;
  if (page === 'calls' && id) return html`<${CallPage} key=${id} uuid=${id} />`;
  if (page === 'nodes') return html`<${NodesPage} />`;
  if (page === 'endpoints') return html`<${EndpointsPage} />`;
  if (page === 'dead-letters') return html`<${DeadLettersPage} />`;
  if (page === 'calls') return html`<${CallsPage} />`;
  return html`<${OverviewPage} />`;
}

const nextTheme = () => {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? 'auto';
};
const otherLanguage = () => {
  language.value = language.value === 'en' ? 'zh' : 'en';
};
const logOut = () =>
  api('DELETE', '/api/session').finally(() => {
    session.value = null;
  });

function Header() {
  const { page } = route.value;
  const themeWords = `${t('theme')}: ${t(`theme.${theme.value}`)}`;
  return html`<header>
    <a class="brand" href="#/overview"><img src="/page/icon.svg" alt="" width="22" height="22" />Dialhook</a>
    <nav>
      ${PAGES.map(
        (one) =>
          html`<a href="#/${one}" aria-current=${one === page ? 'page' : undefined}>${t(`nav.${one}`)}</a>`,
      )}
    </nav>
    <div class="tools">
      <span class="live ${connected.value ? 'on' : ''}" title=${connected.value ? t('live') : t('not live')} role="status">
        <span class="hidden">${connected.value ? t('live') : t('not live')}</span>
      </span>
      <button onClick=${otherLanguage} lang=${language.value === 'en' ? 'zh' : 'en'} data-switch="language">
        ${language.value === 'en' ? '中文' : 'English'}
      </button>
      <button onClick=${nextTheme} title=${themeWords} aria-label=${themeWords} data-switch="theme">${SIGNS[theme.value]}</button>
      <span class="who quiet" title=${t(`role.${session.value?.role}`)}>${session.value?.name}</span>
      <button onClick=${logOut}>${t('log out')}</button>
    </div>
  </header>`;
}

/** `/` focuses the search; Esc leaves it, or returns from a call to the list. @type {(event: KeyboardEvent) => void} */
function onKey(event) {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  const typing = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
  if (key === '/' && !typing) {
    event.preventDefault();
    goTo('calls');
    queueMicrotask(() =>
      /** @type {HTMLInputElement | null} */ (document.querySelector('input[type=search]'))?.focus(),
    );
  }
  if (key !== 'Escape') return;
  if (typing) target.blur();
  else if (route.value.id) goTo(route.value.page);
}

export function Frame() {
  useEffect(() => {
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  return html`<${Header} />
    <main>${!route.value.id && html`<h1 class="hidden">${t(`nav.${route.value.page}`)}</h1>`}<${Page} /></main>
    <div class="notice ${notice.value?.bad ? 'bad' : ''}" role="status" aria-live="polite" hidden=${!notice.value}>
      ${notice.value?.text}
    </div>`;
}
