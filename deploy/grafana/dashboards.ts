import { call } from './call.ts';
import { endpoint } from './endpoint.ts';
import { fleet } from './fleet.ts';
import { node } from './node.ts';
import { type Dashboard, grafanaDashboard } from './panels.ts';

export const DASHBOARDS: readonly Dashboard[] = [fleet, node, endpoint, call];

/** The JSON models of the dashboards, by file name. */
export const dashboardFiles = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    DASHBOARDS.map((one) => [`${one.name}.json`, `${JSON.stringify(grafanaDashboard(one), undefined, 2)}\n`]),
  );
