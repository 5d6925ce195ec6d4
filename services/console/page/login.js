import { useState } from 'preact/hooks';
import { api } from './api.js';
import { html } from './html.js';
import { Trouble } from './parts.js';
import { session } from './state.js';
import { t } from './words.js';

/** @param {string} token */
export async function logIn(token) {
  session.value = await api('POST', '/api/session', { token });
}

export function Login() {
  const [error, setError] = useState(/** @type {Error | undefined} */ (undefined));
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    logIn(String(form.get('token'))).catch(setError);
  };
  return html`<main class="login">
    <form onSubmit=${submit}>
      <h1><img src="/page/icon.svg" alt="" width="28" height="28" /> Dialhook</h1>
      <label>${t('login.token')}
        <input name="token" type="password" autocomplete="current-password" required autofocus />
      </label>
      <p class="hint">${t('login.help')}</p>
      <${Trouble} error=${error} />
      <button class="strong">${t('log in')}</button>
    </form>
  </main>`;
}
