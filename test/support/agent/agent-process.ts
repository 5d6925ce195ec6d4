import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { Bus } from '#libs/bus/connection.ts';
import { ensureProgressStream } from '#libs/bus/progress.ts';
import type { Notification } from '#libs/contract/endpoint.ts';
import { BUS, LiveCall, ProgressEvent } from '#libs/contract/messages.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { LogEvent } from '#libs/telemetry/log-events.ts';
import { type LogLine, recordLog } from '#test/support/log.ts';
import type { NatsServer } from '#test/support/servers/nats.ts';

const AT_ONCE = 200;
const LIMITS = { replicas: 1, maxBytes: 64 << 20, maxAgeMs: 3_600_000, duplicateWindowMs: 120_000 };

/** Waits for something to become true. The test's own time limit ends a wait in vain. */
export async function eventually<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    await sleep(5);
  }
}

/** Reads the published notifications and the live calls from JetStream. */
export class BusView {
  readonly bus: Bus;
  readonly #lifecycle: Lifecycle;
  /** Progress events by sequence number. A test polls, and no notifier runs that would remove them. */
  readonly #progress = new Map<number, ProgressEvent>();

  private constructor(bus: Bus, lifecycle: Lifecycle) {
    this.bus = bus;
    this.#lifecycle = lifecycle;
  }

  static async open(nats: Pick<NatsServer, 'url'>): Promise<BusView> {
    const { log } = recordLog();
    const lifecycle = new Lifecycle(log, 5_000);
    const bus = await Bus.connect(nats.url, 'test', lifecycle, log);
    await ensureProgressStream(bus, LIMITS);
    return new BusView(bus, lifecycle);
  }

  /** The published notifications of one call, or of all, in order. */
  async published(uuid?: string): Promise<Notification[]> {
    const all = (await this.#progressEvents()).map(({ notification }) => notification);
    return uuid === undefined ? all : all.filter((notification) => notification.uuid === uuid);
  }

  /** The URLs to which the notifications of a call go. */
  async urls(uuid: string): Promise<string[]> {
    const ofCall = (await this.#progressEvents()).filter(({ notification }) => notification.uuid === uuid);
    return [...new Set(ofCall.map(({ url }) => url))];
  }

  async hangups(uuid?: string): Promise<Notification[]> {
    return (await this.published(uuid)).filter(({ action }) => action === 'hangup');
  }

  async live(): Promise<LiveCall[]> {
    const stored = await this.#messages(BUS.liveStream);
    return [...stored.values()].map((data) => LiveCall.parse(JSON.parse(data)));
  }

  async liveCount(): Promise<number> {
    const manager = await jetstreamManager(this.bus.nats);
    return manager.streams.info(BUS.liveStream).then(
      ({ state }) => state.messages,
      () => 0,
    );
  }

  close(): Promise<void> {
    return this.#lifecycle.stop();
  }

  async #progressEvents(): Promise<ProgressEvent[]> {
    for (const [seq, data] of await this.#messages(BUS.stream, this.#progress.size + 1))
      this.#progress.set(seq, ProgressEvent.parse(JSON.parse(data)));
    return [...this.#progress].toSorted(([one], [other]) => one - other).map(([, event]) => event);
  }

  /** Messages by sequence number, from the number `start` on. */
  async #messages(stream: string, start = 1): Promise<ReadonlyMap<number, string>> {
    const manager = await jetstreamManager(this.bus.nats);
    const found = new Map<number, string>();
    const info = await manager.streams.info(stream).catch(() => undefined);
    if (!info) return found;
    const { first_seq, last_seq } = info.state;
    for (let from = Math.max(start, first_seq); from <= last_seq; from += AT_ONCE) {
      const length = Math.min(AT_ONCE, last_seq - from + 1);
      const some = Array.from({ length }, (_, n) => manager.streams.getMessage(stream, { seq: from + n }));
      for (const message of await Promise.all(some))
        if (message !== null) found.set(message.seq, message.string());
    }
    return found;
  }
}

/** An agent in its own process. */
export class AgentProcess {
  readonly lines: LogLine[] = [];
  readonly #child: ChildProcess;

  private constructor(env: Record<string, string>) {
    this.#child = spawn('node_modules/.bin/node', ['services/agent/main.ts'], {
      env: { ...process.env, HEALTH_PORT: '0', SOCKET_PORT: '0', LOG_LEVEL: 'debug', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (this.#child.stdout)
      createInterface(this.#child.stdout).on('line', (line) => this.lines.push(JSON.parse(line)));
  }

  /** Resolves when the agent accepts calls and receives events. */
  static async start(env: Record<string, string>): Promise<AgentProcess> {
    const agent = new AgentProcess(env);
    await eventually(() => {
      if (agent.#child.exitCode !== null) throw new Error(`the agent ended with ${agent.#child.exitCode}`);
      return agent.said('service.started') && agent.said('freeswitch.connected');
    });
    return agent;
  }

  get port(): number {
    return Number(this.said('socket.listening')?.['port']);
  }

  said(event: LogEvent): LogLine | undefined {
    return this.lines.find((line) => line.event === event);
  }

  count(event: LogEvent): number {
    return this.lines.filter((line) => line.event === event).length;
  }

  /** Sends SIGKILL. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
  }
}
