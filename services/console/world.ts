import type { Bus } from '#libs/bus/connection.ts';
import { ControlError, requestControl } from '#libs/bus/control.ts';
import { readTimeline } from '#libs/bus/timeline-reader.ts';
import type { CallDetail, Letter, Session } from '#libs/contract/console.ts';
import { ControlRequest } from '#libs/contract/control.ts';
import { problem } from '#libs/contract/problem.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { Calls } from './calls.ts';
import { detailOf } from './detail.ts';
import type { Instances } from './instances.ts';
import type { Letters } from './letters.ts';

/** A request that cannot be answered as it was meant, with its HTTP status. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const words = (error: unknown): string => (error as Error).message;

/** All that the routes work with. */
export class World {
  readonly calls: Calls;
  readonly instances: Instances;
  readonly letters: Letters;
  readonly #bus: Bus;
  readonly #traceUrl: string | undefined;
  readonly #log: Log;

  constructor(parts: {
    calls: Calls;
    instances: Instances;
    letters: Letters;
    bus: Bus;
    traceUrl: string | undefined;
    log: Log;
  }) {
    this.calls = parts.calls;
    this.instances = parts.instances;
    this.letters = parts.letters;
    this.#bus = parts.bus;
    this.#traceUrl = parts.traceUrl;
    this.#log = parts.log;
  }

  /** From the stream, which knows more calls than are kept here. */
  async detail(uuid: string): Promise<CallDetail> {
    const steps = await readTimeline(this.#bus, uuid, this.#log).catch((error: unknown) => {
      throw new ApiError(503, `the timeline cannot be read: ${words(error)}`);
    });
    const detail = detailOf(steps, this.#traceUrl);
    if (detail === undefined) throw new ApiError(404, 'no such call is known');
    return detail;
  }

  async letter(id: string): Promise<Letter> {
    const letter = await this.letters.find(id);
    if (letter === undefined) throw new ApiError(404, 'no such dead letter');
    return letter;
  }

  /** Has the call's agent do something, and writes down who wanted it and what came of it. */
  async control(session: Session, wanted: ControlRequest): Promise<{ ok: true }> {
    const { do: what, uuid, ...rest } = wanted;
    const node = this.calls.get(uuid)?.node ?? (await this.detail(uuid)).call.node;
    const details = { call: uuid, node, ...('destination' in rest ? { to: rest.destination } : {}) };
    try {
      const request = ControlRequest.safeParse(wanted);
      if (!request.success) throw new ApiError(400, problem(request.error));
      const reply = await requestControl(this.#bus, node, request.data);
      if (!reply.ok) throw new ApiError(409, reply.error);
    } catch (error) {
      this.audit(session, what, { ...details, result: words(error) });
      if (error instanceof ControlError) throw new ApiError(error.unknown ? 504 : 503, error.message);
      throw error;
    }
    this.audit(session, what, { ...details, result: 'ok' });
    return { ok: true };
  }

  audit({ name, role }: Session, what: string, details: Readonly<Record<string, unknown>>): void {
    this.#log.info('call.control', { audit: true, who: name, role, what, ...details });
  }
}
