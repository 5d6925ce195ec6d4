import { Decision } from '#libs/contract/decision.ts';
import { misspelledKey } from '#libs/contract/decision-keys.ts';
import { type DecisionReply, failed } from '#libs/contract/messages.ts';
import { problem } from '#libs/contract/problem.ts';
import { type VariablePolicy, variablePolicy } from '#libs/contract/refused-variables.ts';
import type { HttpAnswer } from '#libs/http/client.ts';
import { isExact, JsonError, type JsonPath, readJson } from '#libs/json/read-json.ts';
import { normalizeEmptyValues } from './empty-values.ts';
import { PlanError, planOf } from './plan.ts';

const MAX_ERROR_LENGTH = 300;

/** Errors contain names of keys that the endpoint chose: limits them to one printable line. */
const printable = (error: string): string =>
  error.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, MAX_ERROR_LENGTH);

const invalid = (error: string): DecisionReply => failed('invalid_decision', printable(error));

function jsonProblem(error: Error, text: string): string {
  const position = /at position (\d+)/.exec(error.message)?.[1];
  if (error.message.startsWith('Unexpected end') || Number(position) >= text.length)
    return 'the answer is not JSON: it is incomplete';
  const where = position === undefined ? '' : `: syntax error at character ${position}`;
  return `the answer is not JSON${where}`;
}

/** Maximum nesting of objects and lists in an answer. A decision has a nesting of four. */
const MAX_DEPTH = 32;

/** A number that a double cannot hold is the text of a variable, an error in another field, and ignored elsewhere. */
function numberOf(text: string, path: JsonPath): unknown {
  const [field = ''] = path;
  if (isExact(text) || !Object.hasOwn(Decision.shape, field)) return Number(text);
  if (field === 'variables') return text;
  throw new JsonError(path, 'is a number that would lose digits: write it as text, in quotes');
}

/** The plan in the body of an answer, or `invalid_json` or `invalid_decision` with an error that repeats no value. */
export function replyOfText(text: string, may: VariablePolicy = variablePolicy()): DecisionReply {
  let json: unknown;
  try {
    json = readJson(text, { maxDepth: MAX_DEPTH, number: numberOf });
  } catch (error) {
    if (error instanceof JsonError) return invalid(error.message);
    return failed('invalid_json', jsonProblem(error as Error, text));
  }
  normalizeEmptyValues(json);
  const misspelled = misspelledKey(json);
  if (misspelled !== undefined) return invalid(misspelled);
  const decision = Decision.safeParse(json, { reportInput: true });
  if (!decision.success) return invalid(problem(decision.error));
  try {
    return { v: 1, result: 'decided', plan: planOf(decision.data, may) };
  } catch (error) {
    if (error instanceof PlanError) return invalid(error.message);
    throw error;
  }
}

const isHtml = (text: string): boolean => /^<(?:!doctype|!--|html|head|body|\?xml)/i.test(text);

/** Why the address rules refuse a URL; undefined when they allow it. */
type UrlRefusal = (url: string) => string | undefined;

/** The reply for an HTTP answer of the endpoint: the plan, or why there is none. */
export function replyOf(
  answer: HttpAnswer,
  may: VariablePolicy = variablePolicy(),
  urlRefusal: UrlRefusal = () => undefined,
): DecisionReply {
  if (!answer.ok) return failed(answer.result, answer.error);
  const { status } = answer;
  if (status >= 300 && status < 400)
    return failed(
      'redirect_refused',
      `the endpoint answered ${status}, a redirect, which is not followed: configure the URL that it redirects to`,
    );
  if (status < 200 || status >= 300) return failed('http_status', `the endpoint answered ${status}`);
  if (answer.bodyError !== undefined) return failed('invalid_json', answer.bodyError);
  const text = answer.body.trim();
  if (text === '') return failed('empty_body', `the endpoint answered ${status} with an empty body`);
  if (isHtml(text)) return failed('html_body', `the endpoint answered ${status} with an HTML page, not JSON`);
  const reply = replyOfText(text, may);
  const url = reply.result === 'decided' ? reply.plan.notify_url : undefined;
  const refusal = url === undefined ? undefined : urlRefusal(url);
  return refusal === undefined ? reply : invalid(`notify_url: ${refusal}`);
}
