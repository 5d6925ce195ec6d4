import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { session } from './state.js';

/** An error response of the API. */
export class ApiError extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Another site's page cannot send this header without a CORS preflight, which the console refuses. */
const FROM_PAGE = { 'x-dialhook': 'page' };

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 */
export async function api(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body === undefined ? FROM_PAGE : { ...FROM_PAGE, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const value = await answer.json().catch(() => ({}));
  if (answer.status === 401) session.value = null;
  if (!answer.ok) throw new ApiError(answer.status, value.error ?? `HTTP ${answer.status}`);
  return value;
}

/**
 * Reads a path of the API; `reload` reads it again. The last data stays until new data arrives.
 * @template T
 * @param {string} path
 * @returns {{ data: T | undefined, error: Error | undefined, loading: boolean, reload: () => Promise<void> }}
 *   `loading`: the data is that of an earlier path
 */
export function useApi(path) {
  const [state, setState] = useState(/** @type {{ path: string, data?: T, error?: Error }} */ ({ path }));
  const wanted = useRef(path);
  wanted.current = path;
  const reload = useCallback(async () => {
    const next = await api('GET', path).then(
      (data) => ({ path, data }),
      (error) => ({ path, error }),
    );
    // An answer to an earlier path may arrive last.
    if (wanted.current !== path) return;
    setState((last) => ('error' in next ? { ...last, ...next } : next));
  }, [path]);
  useEffect(() => void reload(), [reload]);
  const loading = state.path !== path || (state.data === undefined && state.error === undefined);
  return { data: state.data, error: state.error, loading, reload };
}
