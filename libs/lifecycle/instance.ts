import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

const instance = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;

/** SERVICE@INSTANCE: this process among all that there are and have been. */
export const instanceOf = (service: string): string => `${service}@${instance}`;
