import { Pool } from 'undici';
import { type BenchCall, newCall } from './node.ts';

/** The body that the router posts for the recorded call. */
const requestOf = ({ uuid }: BenchCall) => ({
  action: 'request',
  uuid,
  node: 'node-0',
  time: '2026-11-23T18:27:06.595Z',
  caller_id_number: '13800138000',
  caller_id_name: "张三 O'Brien 100%",
  destination_number: '0555',
  context: 'default',
  network_addr: '127.0.0.1',
  sip_call_id: '1-24270@127.0.0.1',
  attempt: 1,
  tried: [],
  variables: { sip_user_agent: 'recorder', sip_from_host: '127.0.0.1', sip_to_user: '0555' },
});

export const notificationOf = ({ uuid, leg }: BenchCall, action: 'ring' | 'progress' | 'answer') => ({
  action,
  uuid,
  leg,
  node: 'node-0',
  time: '2026-11-23T18:27:06.595Z',
  caller_id_number: '13800138000',
  caller_id_name: "张三 O'Brien 100%",
  destination_number: '0555',
  called_number: '123456',
});

/** The baseline: undici's Pool with keep-alive connections. */
export class DirectClient {
  readonly #pool: Pool;

  constructor(port: number, connections: number) {
    this.#pool = new Pool(`http://127.0.0.1:${port}`, { connections, pipelining: 1, allowH2: false });
  }

  /** Returns the ms until the answer is parsed. */
  async decide(path: string): Promise<number> {
    const started = performance.now();
    await this.post(path, requestOf(newCall()));
    return performance.now() - started;
  }

  async post(path: string, body: object): Promise<unknown> {
    const answer = await this.#pool.request({
      path,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return answer.body.json();
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}
