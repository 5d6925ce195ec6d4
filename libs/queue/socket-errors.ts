import type { Socket } from 'node:net';
import { Redis } from 'ioredis';

const guarded = new WeakSet<Redis>();

/**
 * Guards a client against the second error of a socket. Node.js reports a TLS record that cannot be decrypted without
 * destroying the socket, and the next write fails with EPROTO. ioredis listens to one error only
 * (https://github.com/redis/ioredis/pull/962), so the second would be an uncaught exception. TLS cannot continue after
 * the first: destroying the socket makes ioredis connect again at once.
 */
function guard(redis: Redis): void {
  if (guarded.has(redis)) return;
  guarded.add(redis);
  redis.on('connect', () => {
    const socket = redis.stream as Socket;
    socket.on('error', () => socket.destroy());
  });
}

/**
 * Guards every client of this process. On the prototype, because ioredis and BullMQ create clients that they do not pass
 * on: for blocking commands, for Sentinels and for the subscriber of a cluster.
 */
export function guardRedisSockets(): void {
  const { connect } = Redis.prototype;
  Redis.prototype.connect = function (this: Redis, ...args: Parameters<typeof connect>) {
    guard(this);
    return connect.apply(this, args);
  };
}
