import type { GatewayStatus } from '#libs/contract/status.ts';
import { count, observe } from '#libs/telemetry/metrics.ts';

/** Gateways in metrics. */
const MAX_VALUES = 100;

export const countRest = (node: string): void => count('dialhook.gateway.rests', { 'dialhook.node': node });

/** Registers the gauge of gateways that rest. Without NODE_NAME the node is `unnamed`. */
export function observeGateways(node: string | undefined, gateways: () => readonly GatewayStatus[]): void {
  observe('dialhook.gateway.resting', () =>
    gateways()
      .slice(0, MAX_VALUES)
      .map(({ gateway, rests_until }) => [
        rests_until === undefined ? 0 : 1,
        { 'dialhook.node': node ?? 'unnamed', 'dialhook.gateway': gateway },
      ]),
  );
}
