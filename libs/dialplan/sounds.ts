/** The path of a sound of the operator, as FreeSWITCH plays it; undefined for an unknown name. */
export type FindSound = (name: string) => string | undefined;

/** Sounds one after the other. A file that cannot be played is left out; a player that gets none would fail. */
export const inSequence = (...paths: readonly string[]): string =>
  `file_string://${[...paths, 'silence_stream://10'].join('!')}`;
