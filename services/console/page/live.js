import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { session } from './state.js';

/** @import { CallSummary } from '../../../libs/contract/console.ts' */

/** Whether the event stream is connected. */
export const connected = signal(false);

const events = new EventTarget();
/** @type {EventSource | undefined} */
let source;

/** Keeps the event stream open while a session exists. */
export function followSession() {
  session.subscribe((who) => {
    source?.close();
    connected.value = false;
    if (!who) return;
    source = new EventSource('/api/events');
    source.onopen = () => {
      connected.value = true;
      for (const name of ['calls', 'status']) events.dispatchEvent(new CustomEvent(name, { detail: [] }));
    };
    source.onerror = () => {
      connected.value = false;
      if (source?.readyState === EventSource.CLOSED) setTimeout(() => session.value && reopen(), 3000);
    };
    for (const name of ['calls', 'status'])
      source.addEventListener(name, ({ data }) =>
        events.dispatchEvent(new CustomEvent(name, { detail: JSON.parse(data) })),
      );
  });
}

const reopen = () => {
  const who = session.value;
  session.value = who ? { ...who } : who;
};

const EVERY_MS = 500;

/**
 * Calls `act` after changes: one call at a time, at most one every `everyMs`.
 * @param {readonly ('calls' | 'status')[]} names of the events
 * @param {() => unknown} act
 * @param {(calls: CallSummary[]) => boolean} [concerns]
 */
export function useLive(names, act, concerns = () => true, everyMs = EVERY_MS) {
  const latest = useRef({ act, concerns });
  latest.current = { act, concerns };
  useEffect(() => {
    let timer = 0;
    let last = 0;
    let running = false;
    let again = false;
    let ended = false;
    const run = async () => {
      timer = 0;
      running = true;
      await latest.current.act();
      running = false;
      last = Date.now();
      if (again) plan();
    };
    const plan = () => {
      again = running;
      if (!running && !timer && !ended) timer = setTimeout(run, Math.max(0, last + everyMs - Date.now()));
    };
    const heard = (/** @type {Event} */ event) => {
      const { detail } = /** @type {CustomEvent<CallSummary[]>} */ (event);
      if (!Array.isArray(detail) || detail.length === 0 || latest.current.concerns(detail)) plan();
    };
    for (const name of names) events.addEventListener(name, heard);
    return () => {
      ended = true;
      clearTimeout(timer);
      for (const name of names) events.removeEventListener(name, heard);
    };
  }, [names.join(), everyMs]);
}
