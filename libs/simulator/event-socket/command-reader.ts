/** One command of a client: its first line, its header lines and its body. */
export interface Command {
  readonly line: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

export const commandHeader = (command: Command, name: string): string | undefined =>
  command.headers.find(([key]) => key.toLowerCase() === name)?.[1];

/** Splits a stream of bytes into commands. An empty line ends a command's headers; Content-Length gives its body. */
export class CommandReader {
  #bytes: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Command[] {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const commands: Command[] = [];
    for (let command = this.#take(); command !== undefined; command = this.#take()) commands.push(command);
    return commands;
  }

  #take(): Command | undefined {
    const start = this.#bytes.findIndex((byte) => byte !== 0x0a && byte !== 0x0d);
    if (start < 0) {
      this.#bytes = Buffer.alloc(0);
      return undefined;
    }
    const end = endOfHead(this.#bytes, start);
    if (end === undefined) return undefined;
    const head = this.#bytes.toString('utf8', start, end.at);
    const [line = '', ...lines] = head.split(/[\r\n]+/);
    const headers = lines.map(parseHeader).filter((header) => header !== undefined);
    const length =
      Number.parseInt(headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1] ?? '0', 10) || 0;
    const bodyStart = end.at + end.length;
    if (this.#bytes.length < bodyStart + length) return undefined;
    const body = this.#bytes.toString('utf8', bodyStart, bodyStart + length);
    this.#bytes = this.#bytes.subarray(bodyStart + length);
    return { line, headers, body };
  }
}

function endOfHead(bytes: Buffer, start: number): { at: number; length: number } | undefined {
  const ends = ['\n\n', '\n\r\n']
    .map((ending) => ({ at: bytes.indexOf(ending, start), length: ending.length }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at);
  return ends[0];
}

function parseHeader(line: string): readonly [string, string] | undefined {
  const colon = line.indexOf(':');
  return colon < 0 ? undefined : [line.slice(0, colon), line.slice(colon + 1).replace(/^ +/, '')];
}
