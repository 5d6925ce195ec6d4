import { type ChildProcess, spawn } from 'node:child_process';
import type { Log } from '#libs/telemetry/log.ts';
import type { Health } from './lifecycle.ts';

/**
 * Node has no Unix datagram sockets, so systemd-notify sends each line. A small shell starts it: the event loop would stop
 * for as long as a fork of the service takes, 0.1 to 0.2 s with 700 MB of memory.
 */
const RELAY = 'while read -r line; do systemd-notify "$line"; done';
const REPORT_INTERVAL_MS = 1_000;
/** Time after which a service that is not ready counts as started, ms: it runs, and its status says what is missing. */
const READY_AFTER_MS = 60_000;
/** Time that systemd waits beyond the stop deadline, ms. */
const STOP_RESERVE_MS = 5_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** Interval in which systemd expects a sign of life from this process, ms (sd_watchdog_enabled). */
function watchdogMs(env: Environment, pid: number): number | undefined {
  const { WATCHDOG_USEC, WATCHDOG_PID } = env;
  if (WATCHDOG_PID && Number(WATCHDOG_PID) !== pid) return undefined;
  return Number(WATCHDOG_USEC) > 0 ? Number(WATCHDOG_USEC) / 1_000 : undefined;
}

function statusOf(health: Health, started: boolean): string {
  const failed = Object.entries(health.checks).filter(([, state]) => state !== 'ok');
  if (failed.length === 0) return started ? 'ready' : 'starting';
  return failed.map(([name, state]) => `${name}: ${state}`).join('; ');
}

/**
 * Reports to systemd, for units with Type=notify and NotifyAccess=all: READY=1 as soon as /readyz answers 200, at the
 * latest 60 s after the start; STATUS= with the failed checks of /readyz; WATCHDOG=1 from a timer of the event loop;
 * STOPPING=1. Does nothing without NOTIFY_SOCKET.
 */
export class Systemd {
  readonly #socket: string | undefined;
  readonly #log: Log;
  readonly #health: () => Health;
  readonly #timers: NodeJS.Timeout[] = [];
  #relay: ChildProcess | undefined;
  #started = false;
  #ready = false;
  #status = '';

  constructor(env: Environment, health: () => Health, log: Log, readyAfterMs = READY_AFTER_MS) {
    this.#socket = env['NOTIFY_SOCKET'];
    this.#health = health;
    this.#log = log;
    if (!this.#socket) return;
    this.#timers.push(setInterval(() => this.#report(), REPORT_INTERVAL_MS));
    this.#timers.push(setTimeout(() => this.#becomeReady(), readyAfterMs));
    const interval = watchdogMs(env, process.pid);
    if (interval) this.#timers.push(setInterval(() => this.#beat(), interval / 3));
    this.#report();
  }

  /** The service has started all its parts. */
  started(): void {
    this.#started = true;
    if (this.#socket) this.#report();
  }

  /** The service stops and needs at most so long, ms. */
  stopping(deadlineMs: number): void {
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
    this.#send('STOPPING=1');
    this.#send(`EXTEND_TIMEOUT_USEC=${(deadlineMs + STOP_RESERVE_MS) * 1_000}`);
  }

  #becomeReady(): void {
    if (!this.#ready) this.#send('READY=1');
    this.#ready = true;
  }

  #beat(): void {
    if (!this.#delayed) this.#send('WATCHDOG=1');
  }

  #report(): void {
    if (this.#delayed) return;
    const health = this.#health();
    const status = statusOf(health, this.#started);
    if (status !== this.#status) this.#send(`STATUS=${status.replaceAll(/\s+/g, ' ')}`);
    this.#status = status;
    if (this.#started && health.ready) this.#becomeReady();
  }

  #send(line: string): void {
    if (!this.#socket) return;
    this.#running(this.#socket).stdin?.write(`${line}\n`);
  }

  /** Whether earlier lines wait, because systemd does not read. Then regular reports are left out. */
  get #delayed(): boolean {
    return (this.#relay?.stdin?.writableLength ?? 0) > 0;
  }

  #running(socket: string): ChildProcess {
    if (this.#relay && this.#relay.exitCode === null && this.#relay.signalCode === null) return this.#relay;
    const relay = spawn('/bin/sh', ['-c', RELAY], {
      env: { PATH: '/usr/bin:/bin', NOTIFY_SOCKET: socket },
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    const failed = (err: Error) => this.#log.warn('systemd.not_notified', { err });
    relay.on('error', failed);
    relay.stdin.on('error', failed);
    this.#relay = relay;
    return relay;
  }
}
