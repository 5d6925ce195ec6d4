/**
 * Number of partitions of the progress stream, and so of notifiers that can read at once. Agents and notifiers of all
 * versions must agree on it: it is no setting. docs/notifier.md says why it is not larger.
 */
export const PARTITIONS = 16;

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * The partition of a call: the 32-bit FNV-1a hash of its uuid (UTF-8), modulo `PARTITIONS`. All progress of a call goes
 * through one partition, so that one notifier reads it, in order.
 */
export function partitionOf(uuid: string): number {
  let hash = FNV_OFFSET;
  for (const byte of Buffer.from(uuid)) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return (hash >>> 0) % PARTITIONS;
}
