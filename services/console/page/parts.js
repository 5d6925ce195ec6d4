import { useEffect, useRef } from 'preact/hooks';
import { html } from './html.js';
import { t } from './words.js';

/** @import { ComponentChildren } from 'preact' */

/** The colour class of each state and result of the API; `plain` for all others. */
const TONES = {
  good: ['answered', 'delivered', 'decided', 'ready', 'closed', 'ok'],
  busy: [
    'deciding',
    'routed',
    'ringing',
    'published',
    'retried',
    'half_open',
    'throttled',
    'failing',
    'defaulted',
  ],
  bad: ['dead', 'open', 'disabled', 'not ready'],
};
/** @type {(word: string) => string} */
export const tone = (word) => Object.entries(TONES).find(([, words]) => words.includes(word))?.[0] ?? 'plain';

/** @param {{ tone: string, children?: ComponentChildren, title?: string }} props */
export const Badge = ({ tone, children, title }) =>
  html`<span class="badge ${tone}" title=${title}>${children}</span>`;

/** @param {{ error: Error | undefined }} props */
export const Trouble = ({ error }) =>
  error ? html`<p class="trouble" role="alert">${error.message}</p>` : null;

/** @param {{ children?: ComponentChildren }} props */
export const Empty = ({ children }) => html`<p class="empty">${children}</p>`;

/**
 * A modal dialog that confirms an action. Esc cancels.
 * @param {{ title: string, yes: string, onYes: () => unknown, onNo: () => void, children?: ComponentChildren }} props
 */
export function Confirm({ title, yes, onYes, onNo, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => dialog.current?.showModal(), []);
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    onYes();
  };
  return html`<dialog ref=${dialog} onClose=${onNo} aria-label=${title}>
    <form onSubmit=${submit}>
      <p>${title}</p>
      ${children}
      <div class="buttons">
        <button type="button" onClick=${onNo}>${t('cancel')}</button>
        <button class="strong">${yes}</button>
      </div>
    </form>
  </dialog>`;
}
