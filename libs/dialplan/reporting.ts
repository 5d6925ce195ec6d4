import type { DialPlan } from '#libs/contract/plan.ts';
import { decodedValue, encodedValue } from './encoded-value.ts';
import type { Settings } from './settings.ts';

/** The fields of a decision about the requests and notifications of its call. */
export type Reporting = Pick<DialPlan, 'notify' | 'notify_url' | 'data'>;

/**
 * The channel variable that holds the actions that the endpoint wants, separated by dots; not set for the default. Set on
 * the caller leg by a decision, and exported to every leg that is called from then on.
 */
export const NOTIFY_VARIABLE = 'dialhook_notify';

/** The channel variables with `notify_url` and `data` of a decision, encoded. Exported like NOTIFY_VARIABLE. */
export const NOTIFY_URL_VARIABLE = 'dialhook_notify_url';
export const DATA_VARIABLE = 'dialhook_data';

/** The variables of a call that must not reach a new call on the same channel. */
export const REPORTING_VARIABLES = [NOTIFY_VARIABLE, NOTIFY_URL_VARIABLE, DATA_VARIABLE] as const;

/** NOTIFY_VARIABLE for the actions of a decision. No action at all is written as one dot. */
const notifySetting = (actions: readonly string[] | undefined): string =>
  actions === undefined ? '' : actions.join('.') || '.';

/** Reads a channel variable; `''` when it is not set. */
export type ReadVariable = (name: string) => string;

export const reportedData = (read: ReadVariable): unknown => decodedValue(read(DATA_VARIABLE));

/** The URL that gets the notifications of a call; undefined for that of its requests. */
export function reportedUrl(read: ReadVariable): string | undefined {
  const url = decodedValue(read(NOTIFY_URL_VARIABLE));
  return typeof url === 'string' ? url : undefined;
}

export interface ReportingSettings {
  /** Variables of the caller leg. */
  readonly settings: Settings;
  /** Names that the called legs get too. */
  readonly exports: readonly string[];
}

export const NO_REPORTING: ReportingSettings = { settings: {}, exports: [] };

/**
 * The variables for a decision about a call whose variables `read` returns. `notify` and `notify_url` hold until the next
 * decision, `data` until a decision replaces it. A decision without them sets no variable.
 */
export function reportingSettings(
  { notify, notify_url, data }: Reporting,
  read: ReadVariable,
): ReportingSettings {
  const chosen = {
    [NOTIFY_VARIABLE]: notifySetting(notify),
    [NOTIFY_URL_VARIABLE]: notify_url === undefined ? '' : encodedValue(notify_url),
    [DATA_VARIABLE]: data === undefined ? read(DATA_VARIABLE) : encodedValue(data),
  };
  const settings = Object.fromEntries(Object.entries(chosen).filter(([name, value]) => value !== read(name)));
  const exported = read('export_vars').split(',');
  return {
    settings,
    exports: Object.keys(settings).filter(
      (name) => name !== NOTIFY_VARIABLE && settings[name] !== '' && !exported.includes(name),
    ),
  };
}
