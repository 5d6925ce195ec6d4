import type { Bus } from '#libs/bus/connection.ts';
import type { SetAside } from '#libs/isolation/set-aside.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { LegEvent } from './call/leg-event.ts';
import type { AgentConfig } from './config.ts';
import { countRest, observeGateways } from './gateways/metrics.ts';
import { RestingGateways } from './gateways/resting-gateways.ts';
import { CallLimits } from './limits/call-limits.ts';
import { countPlace, measureWait, observeLimits } from './limits/metrics.ts';
import { Places } from './limits/places.ts';
import type { Admit } from './plan-runner.ts';

/** The connection of the agent to its FreeSWITCH. */
interface FreeSwitch {
  readonly up: boolean;
  readonly node: string | undefined;
}

/** Limits and resting gateways: they decide which targets of a decision are dialled, and in which order. */
export interface Admission {
  readonly limits: CallLimits;
  readonly gateways: RestingGateways;
  readonly admit: Admit;
  /** Call for every event of a leg. */
  readonly onLegEvent: (event: LegEvent) => void;
}

export interface AdmissionParts {
  readonly config: AgentConfig;
  readonly bus: Bus;
  readonly lifecycle: Lifecycle;
  readonly log: Log;
  readonly aside: SetAside;
  readonly freeSwitch: () => FreeSwitch;
}

function openPlaces({ config, bus, lifecycle, log, aside, freeSwitch }: AdmissionParts): Places {
  const places = new Places({
    bus,
    stream: {
      replicas: config.LIMITS_REPLICAS,
      maxBytes: config.LIMITS_MAX_BYTES,
      maxAgeMs: config.LIVE_CALLS_MAX_AGE_MS,
    },
    leaseMs: config.LIMITS_LEASE_MS,
    maxBuffered: config.MAX_BUFFERED_LIVE_CALLS,
    node: () => config.NODE_NAME ?? freeSwitch().node,
    isUp: () => freeSwitch().up,
    log,
    aside,
  });
  lifecycle.onStop('limits', () => places.close(AbortSignal.timeout(config.STOP_DEADLINE_MS / 4)));
  places.start(config.LIMITS.size > 0);
  return places;
}

function openLimits(parts: AdmissionParts): CallLimits {
  const { LIMITS: settings, LIMITS_ON_OUTAGE: onOutage } = parts.config;
  const limits = new CallLimits({
    places: openPlaces(parts),
    settings,
    onOutage,
    log: parts.log,
    onVerdict: (node, limit, verdict) => countPlace(settings, node, limit, verdict),
    onWaited: measureWait,
  });
  observeLimits(settings, () => limits.all());
  return limits;
}

function openGateways({ config, log }: AdmissionParts): RestingGateways {
  const gateways = new RestingGateways({
    after: config.RESTING_GATEWAYS,
    forMs: config.RESTING_MS,
    causes: config.RESTING_CAUSES,
    log,
    onRest: countRest,
  });
  observeGateways(config.NODE_NAME, () => gateways.status());
  return gateways;
}

/** Starts to count calls towards limits, and failures of gateways. */
export function openAdmission(parts: AdmissionParts): Admission {
  const limits = openLimits(parts);
  const gateways = openGateways(parts);
  return {
    limits,
    gateways,
    admit: (call, groups, plan) => limits.admit(call, gateways.order(groups), plan),
    onLegEvent: (event) => {
      limits.onLegEvent(event);
      gateways.onLegEvent(event);
    },
  };
}
