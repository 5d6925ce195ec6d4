declare module 'modesl/lib/esl/Parser.js' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';

  class Parser extends (EventEmitter as new () => EventEmitter) {
    constructor(socket: Socket);
    _onData(data: Buffer): void;
    _parseEvent(headers: Record<string, string | number>, body?: string): void;
  }
  export default Parser;
}

declare module 'modesl/lib/esl/Connection.js' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';

  class Connection extends (EventEmitter as new () => EventEmitter) {
    constructor(socket: Socket);
    constructor(host: string, port: number, password: string);
    socket: Socket | null;
    connecting: boolean;
    _onConnect(): void;
    _onEvent(event: unknown, headers: Record<string, string | number>, body?: string): void;
    subscribe(events: unknown, callback?: () => void): void;
    send(command: string, headers?: Readonly<Record<string, string>>): void;
  }
  export default Connection;
}
