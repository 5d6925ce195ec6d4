import { isOlder } from '#libs/version/version.ts';

/**
 * The first release of each supported line that has the fixes of the latest Node security release concerning TLS, HTTP or
 * DNS. As of 2026-11-30; the source is `vuln/core` of github.com/nodejs/security-wg.
 */
const FIXED = { 24: '24.22.1', 26: '26.12.1' } as const;
const RELEASED = '2026-10-21';
const FIXES = 'CVE-2026-105483, CVE-2026-106069, CVE-2026-105482';
const NEWEST_LINE = 26;

const REMEDY = 'docs/dependencies.md#node explains how to replace it';

/** The oldest release on which services start. */
export const MINIMUM_NODE = FIXED[24];

/** Why services must not run on a version of Node such as 24.21.0, or undefined. Lines that are not known yet are accepted. */
export function nodeRefusal(version: string): string | undefined {
  const line = Number.parseInt(version, 10);
  if (line > NEWEST_LINE) return undefined;
  const fixed = FIXED[line as keyof typeof FIXED];
  if (fixed === undefined)
    return `requires Node ${MINIMUM_NODE} or newer of line 24 or 26, this is ${version}; ${REMEDY}`;
  if (!isOlder(version, fixed)) return undefined;
  return (
    `requires Node ${fixed} or newer: ${version} has known vulnerabilities in TLS and DNS ` +
    `(${FIXES}), fixed on ${RELEASED}; ${REMEDY}`
  );
}
