import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';

/**
 * Loaded into every Node process of a test run (NODE_OPTIONS, see setup.ts). Appends a line to FAULTS_FILE for each
 * uncaught exception, unhandled rejection and failed background task.
 */
const file = process.env['FAULTS_FILE'];

/** @param {string} kind @param {unknown} fault */
function record(kind, fault) {
  const text = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
  if (file) appendFileSync(file, `${JSON.stringify({ kind, script: process.argv[1], fault: text })}\n`);
}

process.on('uncaughtExceptionMonitor', (fault, origin) => record(origin, fault));
subscribe('dialhook:task-failed', (fault) => record('task failed', fault));
