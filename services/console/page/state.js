import { effect, signal } from '@preact/signals';

/** @import { Session } from '../../../libs/contract/console.ts' */

/** @type {(name: string) => string | null} */
const stored = (name) => localStorage.getItem(`dialhook.${name}`);
/** @type {(name: string, value: string) => void} */
const store = (name, value) => localStorage.setItem(`dialhook.${name}`, value);

/** The session; null without one, undefined until the API has answered. */
export const session = signal(/** @type {Session | null | undefined} */ (undefined));

export const language = signal(
  /** @type {'en' | 'zh'} */ (stored('language') ?? (navigator.language.startsWith('zh') ? 'zh' : 'en')),
);
effect(() => {
  document.documentElement.lang = language.value;
  store('language', language.value);
});

/** `auto` follows the system. */
export const theme = signal(/** @type {'auto' | 'light' | 'dark'} */ (stored('theme') ?? 'auto'));
effect(() => {
  document.documentElement.dataset['theme'] = theme.value;
  store('theme', theme.value);
});

const readRoute = () => {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [page = '', ...rest] = path.split('/');
  return { page: page || 'overview', id: decodeURIComponent(rest.join('/')), query };
};

/** @typedef {Record<string, string>} Search */

/** Filters of the list of calls, as the API names them; they stay while a call is open. */
export const search = signal(
  /** @type {Search} */ (Object.fromEntries(new URLSearchParams(readRoute().query))),
);

/** Page and id from the address: `#/calls/UUID`, or `#/calls?cause=USER_BUSY`. */
export const route = signal(readRoute());
const show = () => {
  const next = readRoute();
  if (next.page === 'calls' && next.query) search.value = Object.fromEntries(new URLSearchParams(next.query));
  if (next.page === route.value.page && next.id === route.value.id) return;
  route.value = next;
  document.querySelector('main')?.scrollTo(0, 0);
};
addEventListener('hashchange', show);

/** Shows a page at once: the hashchange event comes only after key events that are already queued. @type {(page: string) => void} */
export function goTo(page) {
  location.hash = `#/${page}`;
  show();
}

/** A message shown for some seconds: the outcome of an action. */
export const notice = signal(/** @type {{ text: string, bad: boolean } | null} */ (null));
let fading = 0;
/** @type {(text: string, bad?: boolean) => void} */
export function say(text, bad = false) {
  clearTimeout(fading);
  notice.value = { text, bad };
  fading = setTimeout(() => {
    notice.value = null;
  }, 6000);
}
