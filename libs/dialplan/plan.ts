import {
  CallerId,
  type Decision,
  type DialTarget,
  SECONDS,
  timing,
  type Variables,
} from '#libs/contract/decision.ts';
import { type DialPlan, type Group, MAX_BRANCHES, type Plan } from '#libs/contract/plan.ts';
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
  for (const [name, value] of bracketVariables(groups))
    if (!BracketText.safeParse(value).success)
      throw new PlanError(
        `${where}: the value of ${name} cannot be written in a dial string; put it into "variables"`,
      );
}

function groupsOf(target: DialTarget, strategy: Decision['strategy'], where: string): Group[] {
  const { timeout, delay } = target;
  const timing = {
    ...(timeout === undefined ? {} : { timeout }),
    ...(delay === undefined ? {} : { delay }),
  };
  const one = (endpoint: string): Group[] => [
    { variables: {}, legs: [{ endpoint, variables: {}, ...timing }] },
  ];
  switch (target.type) {
    case 'gateway': {
      // FreeSWITCH would move parameters behind the host of the gateway (sofia_outgoing_channel in mod_sofia.c).
      const [number, ...params] = target.number.split(';');
      const endpoint = `sofia/gateway/${target.gateway}/${number}`;
      const more = params.length === 0 ? {} : { tel_params: params.join(';') };
      return [{ variables: {}, legs: [{ endpoint, ...more, variables: {}, ...timing }] }];
    }
    case 'ip':
      return one(`sofia/${target.sofia}/${target.number}@${target.ip}`);
    case 'user': {
      const { user, number, domain } = target;
      const where = domain === undefined ? {} : { domain };
      const leg = { user, number, strategy, variables: {}, ...where, ...timing };
      return [{ variables: {}, legs: [leg] }];
    }
    case 'dialstring':
      try {
        const groups = parseDialString(target.dialstring, strategy === 'sequential');
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
  if ('hangup' in plan) return undefined;
  const inBrackets = bracketVariables(plan.groups).map(([name]) => name);
  return [...Object.keys(plan.variables), ...inBrackets].find((name) => !may(name));
}

function checkVariables(plan: DialPlan, may: VariablePolicy): void {
  for (const name of [...Object.keys(plan.variables), ...bracketVariables(plan.groups).map(([key]) => key)]) {
    const field = fieldInstead(name);
    if (field !== undefined) throw new PlanError(`variables: ${name} is not accepted; use ${field}`);
  }
  const refused = refusedVariable(plan, may);
  if (refused !== undefined) throw new PlanError(`${refused} is a variable that an endpoint must not set`);
}

/** FreeSWITCH reads at most 10 MiB in one message, which has the variables once for each bridge. */
const MAX_VARIABLES_BYTES = 2 * 1024 * 1024;

function checkSize({ groups, variables }: DialPlan): void {
  const hasUsers = groups.some(({ legs }) => legs.some((leg) => 'user' in leg));
  const bridges = hasUsers ? MAX_BRANCHES : groups.length;
  if (Buffer.byteLength(JSON.stringify(variables)) * bridges > MAX_VARIABLES_BYTES)
    throw new PlanError('variables: too long for this number of targets');
}

/** Takes a variable out of a record. */
function take(variables: Variables, name: string): { value: string | undefined; rest: Variables } {
  const { [name]: value, ...rest } = variables;
  return { value, rest };
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
  const { dial, strategy, ...settings } = decision;
  if (!Array.isArray(dial) && dial.type === 'hangup') {
    const { cause = 'NORMAL_CLEARING', sipcode } = dial;
    return { hangup: sipcode === undefined ? { cause } : { sipcode } };
  }
  const targets = Array.isArray(dial) ? dial : [dial];
  const byTarget = targets.map((target, index) =>
    groupsOf(target, strategy, Array.isArray(dial) ? `dial.${index}` : 'dial'),
  );
  const groups = strategy === 'sequential' || byTarget.length === 1 ? byTarget.flat() : [merged(byTarget)];
  if (groups.flatMap((group) => group.legs).length > MAX_BRANCHES)
    throw new PlanError(`dial: more than ${MAX_BRANCHES} targets`);
  if (strategy === 'sequential' && targets.some(({ delay = 0 }) => delay > 0))
    throw new PlanError(
      'dial: delay is only for targets that ring at the same time; add "strategy": "simultaneous"',
    );
  const plan = withRingTime(withCallerId({ groups, ...settings }));
  checkVariables(plan, may);
  checkSize(plan);
  return plan;
}
