import { isUtf8 } from 'node:buffer';

/**
 * A member of a list or set in Redis: its text, or its bytes when they are not UTF-8. A notifier writes only text; a member
 * of another program can be removed by its bytes only.
 */
export type Member = string | Buffer;

export const memberOf = (bytes: Buffer): Member => (isUtf8(bytes) ? bytes.toString() : bytes);

export const isText = (member: Member): member is string => typeof member === 'string';

/** Divides members into texts and others. */
export function divided(members: readonly Buffer[]): {
  readonly texts: string[];
  readonly foreign: Member[];
} {
  const all = members.map(memberOf);
  return { texts: all.filter(isText), foreign: all.filter((member) => !isText(member)) };
}
