import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { plainErrors } from '#libs/contract/plain-errors.ts';

type Env = Readonly<Record<string, string | undefined>>;
type Shape = Record<string, z.ZodType>;

/** Invalid or contradictory settings. The message has one line for each: the variable and what it must be. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export interface SettingMeta {
  /** The unit of the number, for example `ms`. */
  readonly unit?: string;
  /** Never logged; may be read from the file that NAME_FILE names. */
  readonly secret?: boolean;
}

/** The metadata of a setting, also below `default` and `optional`. */
function settingMeta(schema: z.ZodType): SettingMeta {
  const inner =
    schema instanceof z.ZodDefault || schema instanceof z.ZodOptional
      ? settingMeta(schema.unwrap() as z.ZodType)
      : {};
  return { ...inner, ...(schema.meta() as SettingMeta | undefined) };
}

const isSecret = (schema: z.ZodType | undefined): boolean =>
  schema !== undefined && settingMeta(schema).secret === true;

/** A value without the user and password of a URL. */
const shown = (value: string): string => value.replace(/\/\/.*@/s, '//***@');

function settingText(env: Env, name: string, secret: boolean): string | undefined {
  const text = env[name];
  if (text !== undefined && text !== '') return text;
  const file = secret ? env[`${name}_FILE`] : undefined;
  if (!file) return undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new ConfigError(`${name}_FILE must name a readable file (it is "${file}")`, { cause });
  }
}

/**
 * Reads the settings of a schema from environment variables. An empty variable counts as not set.
 * @throws {ConfigError} that names every invalid variable with its value, secrets without it.
 */
export function readConfig<S extends Shape>(schema: z.ZodObject<S>, env: Env): z.output<z.ZodObject<S>> {
  const given: Record<string, string> = {};
  const unreadable = new Map<string, string>();
  for (const [name, setting] of Object.entries(schema.shape)) {
    try {
      const text = settingText(env, name, isSecret(setting));
      if (text !== undefined) given[name] = text;
    } catch (error) {
      unreadable.set(name, (error as Error).message);
    }
  }
  const parsed = schema.safeParse(given, { error: plainErrors });
  if (parsed.success && unreadable.size === 0) return parsed.data;
  const issues = (parsed.error?.issues ?? []).filter(({ path }) => !unreadable.has(String(path[0])));
  const lines = issues.map((issue) => {
    const name = String(issue.path[0] ?? '');
    const value = given[name];
    const was =
      value === undefined
        ? 'it is not set'
        : isSecret(schema.shape[name])
          ? 'it is set'
          : `it is "${shown(value)}"`;
    return name === '' ? issue.message : `${name} ${issue.message} (${was})`;
  });
  throw new ConfigError([...unreadable.values(), ...lines].join('\n'));
}

/**
 * Reads the settings of two schemas, for a process that has the parts of two services.
 * @throws {ConfigError} with the errors of both.
 */
export function readConfigs<A extends Shape, B extends Shape>(
  [first, second]: readonly [z.ZodObject<A>, z.ZodObject<B>],
  env: Env,
): [z.output<z.ZodObject<A>>, z.output<z.ZodObject<B>>] {
  const errors: ConfigError[] = [];
  const attempt = <S extends Shape>(schema: z.ZodObject<S>) => {
    try {
      return readConfig(schema, env);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      errors.push(error);
      return undefined;
    }
  };
  const [one, other] = [attempt(first), attempt(second)];
  if (one !== undefined && other !== undefined) return [one, other];
  throw new ConfigError(errors.map(({ message }) => message).join('\n'));
}
