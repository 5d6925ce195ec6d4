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
  const [page = '', ...rest] = location.hash.replace(/^#\/?/, '').split('/');
  return { page: page || 'calls', id: decodeURIComponent(rest.join('/')) };
};
/** Page and id from the address: `#/calls/UUID`. */
export const route = signal(readRoute());
const show = () => {
  const next = readRoute();
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

/** Search fields of the list of calls; they stay while a call is open. */
export const search = signal({ q: '', state: '', result: '', node: '' });

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
