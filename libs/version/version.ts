/**
 * Whether a version such as 24.21.0, v2.9.10 or 2.12.0-beta.1 is older than another; as many numbers are compared as
 * `than` has. Text that is no version is not older.
 */
export function isOlder(version: string, than: string): boolean {
  const known = /^v?(\d+(?:\.\d+)*)/.exec(version)?.[1]?.split('.').map(Number);
  if (known === undefined) return false;
  for (const [index, wanted] of than.split('.').map(Number).entries()) {
    const difference = (known[index] ?? 0) - wanted;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
