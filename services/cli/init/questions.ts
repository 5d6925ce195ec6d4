import { isIP } from 'node:net';
import { z } from 'zod';
import { freeswitchSettings } from '#libs/config/freeswitch-settings.ts';
import { splitUrls } from '#libs/config/server-urls.ts';
import { commonSettings, networks, url } from '#libs/config/settings.ts';
import { queueSettings } from '#libs/queue/settings.ts';

export const TARGETS = ['systemd', 'compose', 'kubernetes'] as const;
export type Target = (typeof TARGETS)[number];

/** Values by setting. A setting without a value is missing. */
export type Answers = Readonly<Record<string, string>>;

export interface Question {
  readonly setting: string;
  /** Text of the prompt, without a colon. */
  readonly text: string;
  /** The value of an empty answer, or how the answers so far give it. `''`: no value. `undefined`: an answer is required. */
  readonly fallback: string | undefined | ((answers: Answers) => string);
  readonly schema: z.ZodType;
  /** Not shown while it is typed, and not an option of the command line. */
  readonly secret?: true;
  /** Whether these answers need it. Default: always. */
  readonly when?: (answers: Answers) => boolean;
}

/** Whether the URLs of servers contain no user and password: files that are not secret have them. */
const withoutUser = (text: string): boolean =>
  splitUrls(text).every(({ username, password }) => username === '' && password === '');

const NODE_IN_CHART = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;
const nodeName = (target: Target): z.ZodType =>
  target === 'kubernetes'
    ? z.string().regex(NODE_IN_CHART, 'must have at most 40 lower-case letters, digits and -')
    : z.string().max(255);

const LOOPBACK = /^(?:localhost|127\.[\d.]+|::1)$/i;
const HOST_NAME = /^[a-z\d]([a-z\d.-]*[a-z\d])?$/i;

/** Whether FreeSWITCH runs on another host than the agent, so that `socket` cannot reach the agent on loopback. */
const isAway = ({ FREESWITCH_HOST: host = '' }: Answers): boolean => !LOOPBACK.test(host);

const isReachable = (host: string): boolean =>
  (isIP(host) > 0 || HOST_NAME.test(host)) && !['0.0.0.0', '::'].includes(host) && !LOOPBACK.test(host);

/** FreeSWITCH, and the host itself for `dialhook simulate`. None for a host name: the default of the setting then applies. */
function networksOf({ FREESWITCH_HOST: freeswitch = '', SOCKET_HOST: own = '' }: Answers): string {
  if (isIP(freeswitch) === 0) return '';
  return [freeswitch, own]
    .filter((one) => isIP(one) > 0)
    .map((one) => `${one}/${isIP(one) === 6 ? 128 : 32}`)
    .join();
}

/** Kubernetes gives an agent its addresses; the notes of the chart print them. */
const socketQuestions: readonly Question[] = [
  {
    setting: 'SOCKET_HOST',
    text: 'address of this host at which FreeSWITCH on another host reaches the agent',
    fallback: undefined,
    schema: z
      .string()
      .refine(
        isReachable,
        'must be one IP address or host name of this host, other than 0.0.0.0, :: and loopback',
      ),
    when: isAway,
  },
  {
    setting: 'SOCKET_ALLOWED_NETWORKS',
    text: 'networks from which FreeSWITCH on another host connects to the agent',
    fallback: networksOf,
    schema: networks(),
    when: isAway,
  },
];

/** The questions for a target, in order. */
export const questionsFor = (target: Target): readonly Question[] => [
  {
    setting: 'FREESWITCH_HOST',
    text: 'host of the FreeSWITCH event socket',
    fallback: target === 'kubernetes' ? undefined : '127.0.0.1',
    schema: freeswitchSettings.FREESWITCH_HOST,
  },
  {
    setting: 'FREESWITCH_PORT',
    text: 'port of the FreeSWITCH event socket',
    fallback: '8021',
    schema: freeswitchSettings.FREESWITCH_PORT,
  },
  {
    setting: 'FREESWITCH_USER',
    text: 'directory user for the event socket, user@domain (none: password only)',
    fallback: '',
    schema: freeswitchSettings.FREESWITCH_USER,
  },
  {
    setting: 'FREESWITCH_PASSWORD',
    text: 'password for the event socket (default: that of a stock FreeSWITCH)',
    fallback: 'ClueCon',
    schema: freeswitchSettings.FREESWITCH_PASSWORD,
    secret: true,
  },
  {
    setting: 'NODE_NAME',
    text: 'name of the FreeSWITCH node',
    fallback: target === 'kubernetes' ? 'fs1' : '',
    schema: nodeName(target),
  },
  ...(target === 'kubernetes' ? [] : socketQuestions),
  {
    setting: 'NATS_URL',
    text: target === 'kubernetes' ? 'URL of NATS (none: install it too)' : 'URL of NATS',
    fallback: target === 'kubernetes' ? '' : 'nats://127.0.0.1:4222',
    schema: commonSettings.NATS_URL.refine(withoutUser, 'must have no user: set NATS_USER and NATS_PASSWORD'),
  },
  {
    setting: 'NATS_USER',
    text: 'NATS user',
    fallback: '',
    schema: commonSettings.NATS_USER,
    when: ({ NATS_URL }) => NATS_URL !== undefined,
  },
  {
    setting: 'NATS_PASSWORD',
    text: 'password of the NATS user',
    fallback: undefined,
    schema: z.string(),
    secret: true,
    when: ({ NATS_USER }) => NATS_USER !== undefined,
  },
  {
    setting: 'REDIS_URL',
    text: target === 'kubernetes' ? 'URL of Redis (none: install it too)' : 'URL of Redis',
    fallback: target === 'kubernetes' ? '' : 'redis://127.0.0.1:6379',
    schema: queueSettings.REDIS_URL.refine(
      withoutUser,
      'must have no user or password: set REDIS_USER and REDIS_PASSWORD',
    ),
  },
  {
    setting: 'REDIS_USER',
    text: 'Redis user',
    fallback: '',
    schema: queueSettings.REDIS_USER,
    when: ({ REDIS_URL }) => REDIS_URL !== undefined,
  },
  {
    setting: 'REDIS_PASSWORD',
    text: 'password for Redis (none: no password)',
    fallback: '',
    schema: z.string(),
    secret: true,
    when: ({ REDIS_URL }) => REDIS_URL !== undefined,
  },
  {
    setting: 'DEFAULT_ENDPOINT_URL',
    text: 'URL of the endpoint for calls whose dialplan names none',
    fallback: '',
    schema: url('http:', 'https:'),
  },
];

/** `--freeswitch-host` for FREESWITCH_HOST, without the dashes. */
export const optionOf = (setting: string): string => setting.toLowerCase().replaceAll('_', '-');
