import { eventFrame, OK, type Peer, PeerServer, reply, withBody } from './peer.ts';

/** Answers api commands. Undefined: the default answer. */
export type Api = (command: string) => string | undefined;

const DEFAULTS: Readonly<Record<string, string>> = {
  switchname: 'fs1',
  uptime: '86400000',
  show: '{"row_count":0}',
  uuid_exists: 'false',
};

/** An event socket port that accepts every login and sends what the test wants. It has no channels. */
export class FakeFreeSwitch {
  readonly #server: PeerServer;
  readonly #api: Api;
  /** The last connection that was opened. */
  #peer: Peer | undefined;
  #loggedIn = Promise.withResolvers<Peer>();

  private constructor(server: PeerServer, api: Api) {
    this.#server = server;
    this.#api = api;
    this.#accept().catch(() => {});
  }

  static async start(api: Api = () => undefined): Promise<FakeFreeSwitch> {
    return new FakeFreeSwitch(await PeerServer.listen(), api);
  }

  get port(): number {
    return this.#server.port;
  }

  get connections(): number {
    return this.#server.connections;
  }

  /** Resolves when an agent has subscribed to events on the newest connection. */
  async subscribed(): Promise<Peer> {
    return this.#loggedIn.promise;
  }

  /** Sends events, or bytes as they are. */
  async send(...frames: readonly unknown[]): Promise<void> {
    const peer = await this.subscribed();
    for (const frame of frames) peer.write(Buffer.isBuffer(frame) ? frame : eventFrame(frame));
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  async #accept(): Promise<never> {
    for (;;) {
      const peer = await this.#server.peer();
      this.#peer = peer;
      this.#loggedIn = Promise.withResolvers();
      this.#serve(peer).catch(() => {});
    }
  }

  async #serve(peer: Peer): Promise<never> {
    peer.write('Content-Type: auth/request\n\n');
    for (;;) {
      const command = await peer.command();
      const [word = '', name = ''] = command.split(' ');
      if (word === 'api') {
        const body = this.#api(command.slice('api '.length)) ?? DEFAULTS[name] ?? '+OK';
        peer.write(withBody('api/response', body));
      } else peer.write(word === 'auth' ? reply('+OK accepted') : OK);
      // The filters are the last commands of a login.
      if (word === 'filter' && command.includes('CS_EXECUTE') && peer === this.#peer)
        this.#loggedIn.resolve(peer);
    }
  }
}

const MICROS = 1_795_458_426_595_100;

/** The CHANNEL_HANGUP_COMPLETE of a tagged caller leg. */
export const hangupEvent = (uuid: string, url: string, more: Readonly<Record<string, unknown>> = {}) => ({
  'Event-Name': 'CHANNEL_HANGUP_COMPLETE',
  'Event-Date-Timestamp': String(MICROS + 9_000_000),
  'FreeSWITCH-Switchname': 'fs1',
  'Unique-ID': uuid,
  'Hangup-Cause': 'NORMAL_CLEARING',
  'Caller-Caller-ID-Number': '1000',
  'Caller-Caller-ID-Name': '张三',
  'Caller-Destination-Number': '2000',
  'Caller-Channel-Created-Time': String(MICROS),
  'Caller-Channel-Hangup-Time': String(MICROS + 9_000_000),
  variable_dialhook_call: uuid,
  variable_cti_bridge: `${url} 3000 3000 1`,
  ...more,
});
