export const EXIT = { ok: 0, failed: 1, usage: 64, configuration: 78 } as const;

export type Format = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
export type Paint = (format: Format, text: string) => string;

/** The environment and the outputs of a command. */
export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Writes a line of the result. */
  readonly out: (line: string) => void;
  /** Writes a line that is not the result. */
  readonly err: (line: string) => void;
  /** Colours text when the terminal supports colours. */
  readonly paint: Paint;
  /** Ends a command that runs until it is interrupted. */
  readonly stop: AbortSignal;
}

export interface Option {
  readonly help: string;
  /** The placeholder of its value, for example `UUID`; without it the option is a flag. */
  readonly value?: string;
  /** It may be given more than once. */
  readonly many?: true;
}

/** The parsed arguments of a command. */
export interface Given {
  readonly options: Readonly<Record<string, string | undefined>>;
  /** Of options that may be given more than once. */
  readonly lists: Readonly<Record<string, readonly string[]>>;
  readonly flags: ReadonlySet<string>;
  readonly arguments: readonly string[];
}

export interface Command {
  /** One or two words, for example `dead-letters list`. */
  readonly name: string;
  /** The placeholder of its arguments, for example `ID`. */
  readonly arguments?: string;
  readonly help: string;
  readonly options: Readonly<Record<string, Option>>;
  /** The environment variables that it reads. */
  readonly settings?: string;
  /** The meaning of exit code 1. */
  readonly fails: string;
  /** @returns an exit code. @throws {UsageError} */
  readonly run: (given: Given, terminal: Terminal) => Promise<number>;
}

/** An argument is missing or unknown. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
