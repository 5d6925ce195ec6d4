type Schema = Record<string, unknown>;

const actionOf = (schema: Schema): string | undefined =>
  ((schema['properties'] as Schema | undefined)?.['action'] as Schema | undefined)?.['const'] as
    | string
    | undefined;

const alternativesOf = (schema: Schema): Schema[] =>
  ((schema['anyOf'] ?? schema['oneOf'] ?? []) as Schema[]).flatMap((one) =>
    actionOf(one) === undefined ? alternativesOf(one) : [one],
  );

const pascal = (action: string): string =>
  action.replaceAll(/(?:^|_)(.)/g, (_, letter) => letter.toUpperCase());

/** The schema of the notifications with one action. */
export interface ActionSchema {
  readonly action: string;
  /** `LegEnd` for `leg_end`. */
  readonly name: string;
  readonly summary: string;
  readonly schema: Schema;
}

/** Divides the JSON Schema of Notification by `action`. */
export function actionSchemas(notification: Schema): ActionSchema[] {
  const byAction = Map.groupBy(alternativesOf(notification), (one) => actionOf(one) ?? '');
  return [...byAction].map(([action, [first = {}, ...more]]) => ({
    action,
    name: pascal(action),
    summary: String(first['description'] ?? action),
    schema: more.length === 0 ? first : { anyOf: [first, ...more] },
  }));
}
