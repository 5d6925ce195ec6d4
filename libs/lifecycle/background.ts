import { channel } from 'node:diagnostics_channel';
import type { Log } from '#libs/telemetry/log.ts';

/** Receives the fault of each failed task. A test run fails on one. */
const failed = channel('dialhook:task-failed');

/**
 * Owns a promise that nothing awaits. Its rejection is a bug: it is logged as service.task_failed with the name of the
 * task, and the process continues.
 */
export function inBackground(log: Log, task: string, work: Promise<unknown>): void {
  work.catch((err: unknown) => {
    log.error('service.task_failed', { err, task });
    failed.publish(err);
  });
}
