import { CallerId, type Decision, type Variables } from '#libs/contract/decision.ts';
import { type DialTarget, SECONDS, timing } from '#libs/contract/dial-target.ts';
import { type DialPlan, type Group, type Leg, MAX_LEGS, type Plan } from '#libs/contract/plan.ts';
import { problem } from '#libs/contract/problem.ts';
import { fieldInstead, type VariablePolicy, variablePolicy } from '#libs/contract/refused-variables.ts';
import { BracketText } from '#libs/contract/text.ts';
import { DialStringError, parseDialString } from './dial-string.ts';

/** A valid decision that cannot be carried out. The message names the field. */
export class PlanError extends Error {
  override readonly name = 'PlanError';
}

const bracketVariables = (groups: readonly Group[]): [name: string, value: string][] =>
  groups
    .flatMap((group) => [group.variables, ...group.legs.map((leg) => leg.variables)])
    .flatMap((variables) => Object.entries(variables));

function checkBrackets(where: string, groups: readonly Group[]): void {
  const variables = bracketVariables(groups);
  checkReplaced(
    where,
    variables.map(([name]) => name),
  );
  for (const [name, value] of variables)
    if (!BracketText.safeParse(value).success)
      throw new PlanError(
        `${where}: the value of ${name} cannot be written in a dial string; put it into "variables"`,
      );
}

/** Takes a variable out of a record. */
function take(variables: Variables, name: string): { value: string | undefined; rest: Variables } {
  const { [name]: value, ...rest } = variables;
  return { value, rest };
}

const LEG_TIMING = { timeout: 'leg_timeout', delay: 'leg_delay_start' } as const;

/** `[leg_timeout=20,leg_delay_start=5]` of a dial string is the timeout and the delay of its leg. */
function withLegTiming(group: Group): Group {
  return { ...group, legs: group.legs.map((leg) => withTiming(withTiming(leg, 'timeout'), 'delay')) };
}

function withTiming(leg: Leg, field: keyof typeof LEG_TIMING): Leg {
  const name = LEG_TIMING[field];
  const { value, rest: variables } = take(leg.variables, name);
  if (value === undefined) return leg;
  const parsed = timing[field].safeParse(Number(value));
  if (!parsed.success) throw new DialStringError(`${name} ${parsed.error.issues[0]?.message}`);
  return { ...leg, variables, [field]: parsed.data };
}

function ipGroups(target: Extract<DialTarget, { type: 'ip' }>, timing: object): Group[] {
  const { sofia, number, ip, transport, srtp } = target;
  const parameters = transport === undefined ? '' : `;transport=${transport}`;
  const variables: Variables = srtp ? { rtp_secure_media: 'mandatory' } : {};
  return [
    {
      variables: {},
      legs: [{ endpoint: `sofia/${sofia}/${number}@${ip}${parameters}`, variables, ...timing }],
    },
  ];
}

function groupsOf(target: DialTarget, strategy: Decision['strategy'], where: string): Group[] {
  const { timeout, progress_timeout, delay } = target;
  const timing = {
    ...(timeout === undefined ? {} : { timeout }),
    ...(progress_timeout === undefined ? {} : { progress_timeout }),
    ...(delay === undefined ? {} : { delay }),
  };
  switch (target.type) {
    case 'gateway': {
      // FreeSWITCH would move parameters behind the host of the gateway (sofia_outgoing_channel in mod_sofia.c).
      const [number, ...params] = target.number.split(';');
      const endpoint = `sofia/gateway/${target.gateway}/${number}`;
      const more = params.length === 0 ? {} : { tel_params: params.join(';') };
      return [{ variables: {}, legs: [{ endpoint, ...more, variables: {}, ...timing }] }];
    }
    case 'ip':
      return ipGroups(target, timing);
    case 'user': {
      const { user, number, domain } = target;
      const where = domain === undefined ? {} : { domain };
      const leg = { user, number, strategy, variables: {}, ...where, ...timing };
      return [{ variables: {}, legs: [leg] }];
    }
    case 'dialstring':
      try {
        const groups = parseDialString(target.dialstring, strategy === 'sequential').map(withLegTiming);
        checkBrackets(`${where}.dialstring`, groups);
        return groups.map(({ variables, legs }) => ({
          variables,
          legs: legs.map((leg) => ({ ...leg, ...timing })),
        }));
      } catch (error) {
        if (error instanceof DialStringError) throw new PlanError(`${where}.dialstring: ${error.message}`);
        throw error;
      }
  }
}

function merged(byTarget: readonly (readonly Group[])[]): Group {
  if (byTarget.some((groups) => groups.length > 1))
    throw new PlanError('dial: a target that contains | cannot ring together with others');
  const groups = byTarget.flat();
  const variables: Variables = {};
  for (const [name, value] of groups.flatMap((group) => Object.entries(group.variables))) {
    if (Object.hasOwn(variables, name) && variables[name] !== value)
      throw new PlanError(`dial: targets that ring together set the variable ${name} to different values`);
    variables[name] = value;
  }
  return { variables, legs: groups.flatMap((group) => group.legs) };
}

/** The first variable of a plan that an endpoint must not set. */
export function refusedVariable(plan: Plan, may: VariablePolicy): string | undefined {
  if (!('groups' in plan)) return undefined;
  const inBrackets = bracketVariables(plan.groups).map(([name]) => name);
  return [...Object.keys(plan.variables), ...inBrackets].find((name) => !may(name));
}

function checkReplaced(where: string, names: readonly string[]): void {
  for (const name of names) {
    const field = fieldInstead(name);
    if (field !== undefined) throw new PlanError(`${where}: ${name} is not accepted; use ${field}`);
  }
}

function checkVariables(plan: DialPlan, may: VariablePolicy): void {
  checkReplaced('variables', Object.keys(plan.variables));
  const refused = refusedVariable(plan, may);
  if (refused !== undefined) throw new PlanError(`${refused} is a variable that an endpoint must not set`);
}

function checkMedia({ codecs, variables, early_media, groups }: DialPlan): void {
  if (codecs !== undefined && Object.hasOwn(variables, 'absolute_codec_string'))
    throw new PlanError('variables: absolute_codec_string cannot be combined with codecs');
  if (early_media !== undefined && Object.hasOwn(variables, 'ignore_early_media'))
    throw new PlanError('variables: ignore_early_media cannot be combined with early_media');
  if (early_media === 'pass' && groups.some(({ legs }) => legs.length > 1))
    throw new PlanError(
      'early_media: pass is not for targets that ring at the same time, of which only an answer wins',
    );
}

/** A leg that has to accept the call is connected by its key or by the end of a sound, not by media. */
function checkAcceptance({ confirm, whisper, early_media, media, variables, groups }: DialPlan): void {
  const field = confirm === undefined ? 'whisper' : 'confirm';
  if (confirm === undefined && whisper === undefined) return;
  if (early_media === 'pass')
    throw new PlanError(`${field}: cannot be combined with early_media pass; leave early_media out`);
  if (media !== undefined)
    throw new PlanError(`${field}: cannot be combined with media, since FreeSWITCH plays the sound`);
  const inBrackets = bracketVariables(groups).map(([name]) => name);
  if ([...Object.keys(variables), ...inBrackets].includes('ignore_early_media'))
    throw new PlanError(`${field}: cannot be combined with the variable ignore_early_media`);
}

function checkLimit({ max_duration, warn }: DialPlan): void {
  if (warn === undefined) return;
  if (max_duration === undefined)
    throw new PlanError('warn: needs max_duration, which it announces the end of');
  if (warn.before >= max_duration) throw new PlanError('warn.before: must be less than max_duration');
}

/** Variables that change how FreeSWITCH records, or in which it says what it has recorded. */
const RECORDING = /^(?:record_|recording_|enable_file_write_buffering$)/i;

function checkRecord(plan: DialPlan): void {
  const { record, confirm, whisper, media, early_media, variables, groups } = plan;
  if (record === undefined) return;
  if (media !== undefined)
    throw new PlanError(
      'record: cannot be combined with media, since FreeSWITCH records what passes through it',
    );
  if (record.start === 'early_media' && groups.some(({ legs }) => legs.length > 1))
    throw new PlanError(
      'record.start: early_media is not for targets that ring at the same time; use answer',
    );
  if (record.start === 'early_media' && (confirm !== undefined || whisper !== undefined))
    throw new PlanError('record.start: early_media cannot be combined with confirm or whisper; use answer');
  if (record.start === 'early_media' && early_media !== undefined && early_media !== 'pass')
    throw new PlanError('record.start: early_media needs early_media pass, its default; use answer');
  const inBrackets = bracketVariables(groups).map(([name]) => name);
  const name = [...Object.keys(variables), ...inBrackets].find((one) => RECORDING.test(one));
  if (name !== undefined) throw new PlanError(`record: cannot be combined with the variable ${name}`);
}

/** FreeSWITCH reads at most 10 MiB in one message, which has the variables once for each bridge. */
const MAX_VARIABLES_BYTES = 2 * 1024 * 1024;

function checkSize({ groups, variables }: DialPlan): void {
  const hasUsers = groups.some(({ legs }) => legs.some((leg) => 'user' in leg));
  const bridges = hasUsers ? MAX_LEGS : groups.length;
  if (Buffer.byteLength(JSON.stringify(variables)) * bridges > MAX_VARIABLES_BYTES)
    throw new PlanError('variables: too long for this number of targets');
}

/** `origination_caller_id_number` and `_name` in `variables` mean the same as `caller_id`. */
function withCallerId(plan: DialPlan): DialPlan {
  const { value: number, rest } = take(plan.variables, 'origination_caller_id_number');
  const { value: name, rest: variables } = take(rest, 'origination_caller_id_name');
  if (number === undefined && name === undefined) return plan;
  if (plan.caller_id !== undefined)
    throw new PlanError(
      'variables: origination_caller_id_number and _name cannot be combined with caller_id',
    );
  const parsed = CallerId.safeParse({ number, name: name ?? number });
  if (!parsed.success) throw new PlanError(`variables: origination_caller_id_${problem(parsed.error)}`);
  return { ...plan, variables, caller_id: parsed.data };
}

/** `originate_timeout` in `variables` or in the braces of a dial string is the timeout of targets that have none. */
function withRingTime(plan: DialPlan): DialPlan {
  const { value: forAll, rest: variables } = take(plan.variables, 'originate_timeout');
  const groups = plan.groups.map((group) => {
    const { value = forAll, rest } = take(group.variables, 'originate_timeout');
    if (value === undefined) return group;
    const parsed = timing.timeout.safeParse(Number(value));
    if (!parsed.success) throw new PlanError(`variables: originate_timeout ${SECONDS}`);
    return { variables: rest, legs: group.legs.map((leg) => ({ timeout: parsed.data, ...leg })) };
  });
  return { ...plan, variables, groups };
}

/**
 * Resolves a decision into groups of legs, or a hangup. `may` says which variables an endpoint may set.
 * @throws {PlanError}
 */
export function planOf(decision: Decision, may: VariablePolicy = variablePolicy()): Plan {
  const { dial, collect, strategy, ...settings } = decision;
  const { notify, notify_url, data } = settings;
  const reporting = {
    ...(notify === undefined ? {} : { notify }),
    ...(notify_url === undefined ? {} : { notify_url }),
    ...(data === undefined ? {} : { data }),
  };
  if (collect !== undefined) return { collect, ...reporting };
  if (dial === undefined) throw new PlanError('dial: is missing');
  if (!Array.isArray(dial) && dial.type === 'hangup') {
    const { cause = 'NORMAL_CLEARING', sipcode, play, answer } = dial;
    if (answer !== undefined && play === undefined)
      throw new PlanError('dial.answer: is only for a hangup with play');
    return {
      hangup: sipcode === undefined ? { cause } : { sipcode },
      ...(play === undefined ? {} : { play }),
      ...(answer === undefined ? {} : { answer }),
      ...reporting,
    };
  }
  const targets = Array.isArray(dial) ? dial : [dial];
  const byTarget = targets.map((target, index) =>
    groupsOf(target, strategy, Array.isArray(dial) ? `dial.${index}` : 'dial'),
  );
  const groups = strategy === 'sequential' || byTarget.length === 1 ? byTarget.flat() : [merged(byTarget)];
  const legs = groups.flatMap((group) => group.legs);
  if (legs.length > MAX_LEGS) throw new PlanError(`dial: more than ${MAX_LEGS} legs`);
  if (strategy === 'sequential' && legs.some(({ delay = 0 }) => delay > 0))
    throw new PlanError(
      'dial: delay is only for targets that ring at the same time; add "strategy": "simultaneous"',
    );
  const plan = withRingTime(withCallerId({ groups, ...settings }));
  checkLimit(plan);
  checkMedia(plan);
  checkAcceptance(plan);
  checkRecord(plan);
  checkVariables(plan, may);
  checkSize(plan);
  return plan;
}
