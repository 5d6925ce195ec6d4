import type { EndpointRequest, Notification, TriedLeg } from '#libs/contract/endpoint.ts';
import type { TimelineStep } from '#libs/contract/timeline.ts';
import { maskLine, maskNumber } from '#libs/telemetry/numbers.ts';

type Without<S, K extends string> = S extends unknown ? Omit<S, K> : never;

/** A step without the fields that the publisher adds: the version and the publishing process. */
export type Step = Without<TimelineStep, 'v' | 'by'>;

/** The common fields of a step that happens now. */
export const happensNow = ({
  uuid,
  node,
}: Pick<Step, 'uuid' | 'node'>): Pick<Step, 'uuid' | 'node' | 'time'> => ({
  uuid,
  node,
  time: new Date().toISOString(),
});

const MAX_ANSWER = 4096;

/** Userinfo, query and fragment of a URL. In JSON text a backslash may precede a slash. */
const URL_SECRETS =
  /([a-z][a-z0-9+.-]*:(?:\\?\/){2})(?:[^\s"'<>\\/?#]*@)?([^\s"'<>?#]*)(?:[?#][^\s"'<>]*)?/gi;

/** Removes userinfo, query and fragment, which may hold secrets, from every URL in a text. */
export const withoutUrlSecrets = (text: string): string =>
  text.includes(':') ? text.replaceAll(URL_SECRETS, '$1$2') : text;

function deep(value: unknown, text: (one: string) => string): unknown {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return value.map((one) => deep(one, text));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, deep(one, text)]));
}

const hidden = (text: string): string => '*'.repeat(text.length);

/** Masks a number except for its last two digits, and any other text completely. */
const maskValue = (text: string): string => (/^[+*#\d ()./-]*$/.test(text) ? maskNumber(text) : hidden(text));

/** The number of each target of a dial string. */
const DIALLED = /(?<=(?:sofia\/gateway\/[^/,|]+|sofia\/(?!gateway\/)[^/,|]+|user|loopback)\/)[^,|@;%/]+/g;

const maskDialString = (text: string): string =>
  text.replaceAll(/[[{][^\]}]*[\]}]/g, '[*]').replaceAll(DIALLED, maskValue);

/** Fields of an answer, and variables of an application, that contain no personal data. */
const PLAIN_FIELDS = new Set([
  ...['type', 'gateway', 'sofia', 'ip', 'domain', 'strategy', 'cause', 'on_fail', 'final_causes'],
  ...['retry_causes', 'on_redirect', 'media', 'codecs', 'early_media', 'privacy', 'notify'],
  ...['ringback', 'play', 'timeout', 'progress_timeout', 'delay', 'max_duration', 'before'],
  ...['min', 'max', 'terminators', 'key', 'channels', 'announce', 'start'],
]);
/** Fields of an answer whose keys the endpoint chooses. */
const FREE_FIELDS = new Set(['data', 'variables']);
const PLAIN_VARIABLES =
  /^(?:dialhook_(?:result|attempt|entry|cause|final|retry|on_redirect|transfers)|hangup_after_bridge|continue_on_fail|failure_causes|(?:bypass|proxy)_media|sip_copy_custom_headers|execute_on_blind_transfer_dialhook|app_disable_expand_variables|export_vars|cti_bridge)$/;

function maskAnswer(value: unknown, field = ''): unknown {
  if (typeof value === 'string') {
    if (field === 'dialstring') return maskDialString(value);
    return PLAIN_FIELDS.has(field) ? value : maskValue(value);
  }
  if (typeof value === 'number' && field !== 'sipcode' && !PLAIN_FIELDS.has(field))
    return maskNumber(String(value));
  if (Array.isArray(value)) return value.map((one) => maskAnswer(one, field));
  if (typeof value !== 'object' || value === null) return value;
  const fieldOf = (name: string) => (FREE_FIELDS.has(field) ? field : name);
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, maskAnswer(one, fieldOf(name))]),
  );
}

/** An answer that is not JSON is masked completely. */
function maskedAnswer(text: string): string {
  try {
    return JSON.stringify(maskAnswer(JSON.parse(text)));
  } catch {
    return hidden(text);
  }
}

const maskError = (error: string): string => String(maskLine({ error })['error']);

/** Masks the value of `name=value`, the data of `set` and `export`. */
function maskSetting(setting: string): string {
  const [, variable = '', value] = /^(?:nolocal:)?([^=]*)=(.*)$/s.exec(setting) ?? [];
  if (value === undefined || PLAIN_VARIABLES.test(variable)) return setting;
  const masked = variable === 'dialhook_error' ? maskError(value) : maskValue(value);
  return setting.slice(0, setting.length - value.length) + masked;
}

/** Masks the data of one application, given as `name data`. */
function maskApplication(application: string): string {
  const [name = '', ...words] = application.split(' ');
  const data = words.join(' ');
  if (name === 'bridge') return `${name} ${maskDialString(data)}`;
  if (name === 'set' || name === 'export') return `${name} ${maskSetting(data)}`;
  if (name === 'multiset') {
    const separator = data.charAt(2);
    return `${name} ${data.split(separator).map(maskSetting).join(separator)}`;
  }
  return application;
}

const maskTried = (tried: TriedLeg): TriedLeg => ({
  ...tried,
  number: maskNumber(tried.number),
  ...(tried.redirect_to === undefined ? {} : { redirect_to: hidden(tried.redirect_to) }),
});

/** `name`: the path of a recording may contain {caller} and {destination}. */
const MASKED_FIELDS = [
  ...['caller_id_number', 'asserted_number', 'destination_number', 'called_number'],
  ...['to_number', 'redirect_to', 'name'],
];

function maskCall<C extends EndpointRequest | Notification>(call: C): C {
  const named: Record<string, unknown> = { ...call };
  for (const field of MASKED_FIELDS)
    if (typeof named[field] === 'string') named[field] = maskValue(named[field]);
  named['caller_id_name'] = hidden(call.caller_id_name);
  // They may be a PIN.
  if (typeof named['digits'] === 'string') named['digits'] = hidden(named['digits']);
  if ('tried' in call) named['tried'] = call.tried.map(maskTried);
  if ('variables' in call) named['variables'] = deep(call.variables, maskValue);
  return named as C;
}

function masked(step: Step): Step {
  const shown = 'error' in step && step.error !== undefined ? { error: maskError(step.error) } : {};
  if (step.step === 'received') return { ...step, request: maskCall(step.request) };
  if (step.step === 'published') return { ...step, notification: maskCall(step.notification) };
  if (step.step === 'decided')
    return { ...step, ...shown, applications: step.applications.map(maskApplication) };
  if (step.step === 'requested' && step.answer !== undefined)
    return { ...step, ...shown, answer: maskedAnswer(step.answer) };
  return { ...step, ...shown };
}

/** A step as it is published: URLs without secrets, the answer truncated, and numbers and names masked if required. */
export function publicStep(step: Step, numbers: 'full' | 'masked'): Step {
  const known = numbers === 'masked' ? masked(step) : step;
  if (known.step !== 'requested' || known.answer === undefined) return deep(known, withoutUrlSecrets) as Step;
  // Truncated in two steps: cutting at the final length first could separate a secret from the `?` or `@` that marks it.
  const answer = withoutUrlSecrets(known.answer.slice(0, 2 * MAX_ANSWER)).slice(0, MAX_ANSWER);
  return {
    ...(deep({ ...known, answer: '' }, withoutUrlSecrets) as typeof known),
    answer: answer.toWellFormed(),
  };
}
