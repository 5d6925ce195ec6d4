import { render } from 'preact';
import { api } from './api.js';
import { Frame } from './frame.js';
import { html } from './html.js';
import { followSession } from './live.js';
import { Login, logIn } from './login.js';
import { session } from './state.js';

/** A token in the address (`npm start` prints such an address) is used once and removed from it. */
async function begin() {
  const [, token] = /^#token=(.+)$/.exec(location.hash) ?? [];
  if (token !== undefined) location.replace('#/overview');
  try {
    if (token === undefined) session.value = await api('GET', '/api/session');
    else await logIn(decodeURIComponent(token));
  } catch {
    session.value = null;
  }
}

const App = () => {
  if (session.value === undefined) return null;
  return session.value ? html`<${Frame} />` : html`<${Login} />`;
};

followSession();
render(html`<${App} />`, document.body);
begin().catch(console.error);
