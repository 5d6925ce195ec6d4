import { stripVTControlCharacters, styleText } from 'node:util';
import type { CallSummary } from '#libs/contract/console.ts';
import type { TimelineStep } from '#libs/contract/timeline.ts';
import type { Paint } from '#services/cli/command.ts';
import { shortCallRow } from '#services/cli/console/call-row.ts';
import { Calls } from '#services/console/calls.ts';
import type { LogLine } from './cluster.ts';

const REFRESH_MS = 100;
/** A live call without a new step for this long is no longer shown: without notifications its end is not known. */
const SHOW_LIVE_MS = 120_000;
const MAX_LIVE_LINES = 12;
const MAX_CALLS = 10_000;

/** Whether the hangup is known and no notification is pending. */
const isFinished = ({ cause, notifications: n }: CallSummary): boolean =>
  cause !== undefined && n.delivered + n.dead === n.published;

/**
 * Shows calls from the timeline, one line each, as `dialhook tail` does. On a terminal live calls are at the bottom,
 * rewritten in place, and finished calls above; elsewhere only finished calls are written.
 */
export class Screen {
  readonly #stream: NodeJS.WriteStream;
  readonly #calls = new Calls(MAX_CALLS);
  /** Calls that are not yet written above. */
  readonly #open = new Set<string>();
  #shown = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    if (stream.isTTY === true) this.#timer = setInterval(() => this.#redraw(), REFRESH_MS);
  }

  /** Writes a line above the calls. */
  say(text: string): void {
    this.#writeAbove([text]);
  }

  /** Shows errors of the services. */
  log({ service, level, message }: LogLine): void {
    if (level === 'error' || level === 'fatal') this.say(this.#paint('red', `${service}: ${message}`));
  }

  step(step: TimelineStep, order: number): void {
    const call = this.#calls.add(step, order);
    if (call === undefined) return;
    if (step.step === 'received') this.#open.add(call.uuid);
    if (!this.#open.has(call.uuid) || !isFinished(call)) return;
    this.#open.delete(call.uuid);
    this.#writeAbove([shortCallRow(call, this.#paint)]);
  }

  /** Writes the calls that are still live and stops the redrawing. */
  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#writeAbove(this.#live().map((call) => shortCallRow(call, this.#paint)));
    this.#open.clear();
  }

  readonly #paint: Paint = (format, text) => styleText(format, text, { stream: this.#stream });

  #live(): CallSummary[] {
    const live: CallSummary[] = [];
    for (const uuid of this.#open) {
      const call = this.#calls.get(uuid);
      if (call === undefined) this.#open.delete(uuid);
      else live.push(call);
    }
    return live;
  }

  #writeAbove(lines: readonly string[]): void {
    this.#clear();
    for (const line of lines) this.#stream.write(`${line}\n`);
    if (this.#timer) this.#drawLive();
  }

  #redraw(): void {
    this.#clear();
    this.#drawLive();
  }

  #clear(): void {
    if (this.#shown > 0) this.#stream.write(`\x1b[${this.#shown}F\x1b[J`);
    this.#shown = 0;
  }

  #drawLive(): void {
    const width = Math.max(40, this.#stream.columns || 80) - 1;
    const since = Date.now() - SHOW_LIVE_MS;
    const recent = this.#live().filter(({ updated }) => Date.parse(updated) >= since);
    const lines = recent.slice(-MAX_LIVE_LINES).map((call) => shortCallRow(call, this.#paint));
    for (const line of lines) {
      const bare = stripVTControlCharacters(line);
      this.#stream.write(`${bare.length <= width ? line : bare.slice(0, width)}\n`);
    }
    this.#shown = lines.length;
  }
}
