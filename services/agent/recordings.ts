import { z } from 'zod';
import type { CallerFacts } from '#libs/dialplan/presentation.ts';
import type { RecordingFile } from '#libs/dialplan/recording.ts';

/** The call of a recording. */
export interface RecordedCall {
  readonly uuid: string;
  readonly node: string;
  readonly caller: Pick<CallerFacts, 'number' | 'dialled'>;
  /** When the decision is carried out, epoch ms by FreeSWITCH's clock. */
  readonly at: number;
}

/** Names the file of the recording of one called leg; `leg` is its number among those of the decision, from 1. */
export type NameRecording = (call: RecordedCall, leg: number) => RecordingFile;

/** Text that a caller or an operator chose, as a part of a file name: never `.`, `..` or empty. */
const safe = (text: string, allowed: RegExp, length: number): string =>
  text.replaceAll(allowed, '_').replace(/^\.+/, '_').slice(0, length) || '_';

const NOT_IN_NUMBER = /[^0-9A-Za-z+]/g;
const NOT_IN_NODE = /[^0-9A-Za-z_.-]/g;
const MAX_CALL = 128;
const MAX_NUMBER = 32;
const MAX_NODE = 64;

/** 20261130T225634798Z */
const compact = (at: number): string => new Date(at).toISOString().replaceAll(/[-:.]/g, '');

interface Placeholder {
  /** The longest text, in characters. */
  readonly length: number;
  readonly text: (call: RecordedCall, leg: number) => string;
}

/**
 * The placeholders of the setting RECORDINGS. `id` differs for each recording: the uuid of a call alone may be repeated by
 * a later call, whose recording would replace the earlier one.
 */
const PLACEHOLDERS: Readonly<Record<string, Placeholder>> = {
  id: {
    length: MAX_CALL + '-20261130T225634798Z-100'.length,
    text: ({ uuid, at }, leg) => `${uuid}-${compact(at)}-${leg}`,
  },
  call: { length: MAX_CALL, text: ({ uuid }) => uuid },
  node: { length: MAX_NODE, text: ({ node }) => safe(node, NOT_IN_NODE, MAX_NODE) },
  date: { length: '20261130'.length, text: ({ at }) => compact(at).slice(0, 8) },
  hour: { length: 2, text: ({ at }) => compact(at).slice(9, 11) },
  caller: { length: MAX_NUMBER, text: ({ caller }) => safe(caller.number, NOT_IN_NUMBER, MAX_NUMBER) },
  destination: { length: MAX_NUMBER, text: ({ caller }) => safe(caller.dialled, NOT_IN_NUMBER, MAX_NUMBER) },
};

const PLACEHOLDER = /\{(\w+)\}/g;
/** Text that dial strings, `multiset` and the arguments of applications keep, without blanks, colons and commas. */
const TEMPLATE = /^\/(?:[0-9A-Za-z_./+@=-]|\{\w+\})+\.[0-9A-Za-z]+$/;
const MAX_FILE_NAME = 255;
const NAMES = Object.keys(PLACEHOLDERS).map((name) => `{${name}}`);

function problemOf(template: string): string | undefined {
  if (!TEMPLATE.test(template))
    return 'must be an absolute path of letters, digits and _ . / + @ = -, with placeholders, that ends with .wav or the ending of another format';
  const unknown = [...template.matchAll(PLACEHOLDER)].find(
    ([, name = '']) => !Object.hasOwn(PLACEHOLDERS, name),
  );
  if (unknown !== undefined)
    return `may contain the placeholders ${NAMES.join(', ')}; ${unknown[0]} is not one`;
  const parts = template.slice(1).split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    return 'must not contain an empty part, . or ..';
  if (!parts.at(-1)?.includes('{id}'))
    return 'must contain {id} in the name of the file, which is different for each recording';
  const longest = (part: string) =>
    part.replaceAll(PLACEHOLDER, (_, name) => '_'.repeat(PLACEHOLDERS[name]?.length ?? 0));
  if (parts.some((part) => longest(part).length > MAX_FILE_NAME))
    return `must have parts of at most ${MAX_FILE_NAME} characters, each placeholder at its longest: {id} has up to ${PLACEHOLDERS['id']?.length}`;
  return undefined;
}

/**
 * The setting RECORDINGS: the path of recordings with placeholders. Endpoints get the part of a path that begins with the
 * first part that has a placeholder.
 */
export const recordings = () =>
  z.string().transform((template, context): NameRecording => {
    const message = problemOf(template);
    if (message !== undefined) {
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    }
    const folder = template.lastIndexOf('/', template.indexOf('{')) + 1;
    return (call, leg) => {
      const path = template.replaceAll(PLACEHOLDER, (_, name) => PLACEHOLDERS[name]?.text(call, leg) ?? '');
      return { path, name: path.slice(folder) };
    };
  });
