import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/** Identifies this process among all that run or ever ran: HOST:PID:RANDOM. */
export const INSTANCE_ID = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;

/** SERVICE@INSTANCE_ID, as the timeline and the status show it. */
export const serviceInstance = (service: string): string => `${service}@${INSTANCE_ID}`;
