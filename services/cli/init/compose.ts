import type { Image, OutputFile } from './output.ts';
import type { Answers } from './questions.ts';

/** The port of a server on loopback without a password, which the compose file then starts; undefined for another server. */
function ownPort(url: string | undefined, password: string | undefined): string | undefined {
  return password === undefined ? /^\w+:\/\/127\.0\.0\.1:(\d+)\/?$/.exec(url ?? '')?.[1] : undefined;
}

export const startsNats = (answers: Answers): boolean =>
  ownPort(answers['NATS_URL'], answers['NATS_PASSWORD']) !== undefined;
export const startsRedis = (answers: Answers): boolean =>
  ownPort(answers['REDIS_URL'], answers['REDIS_PASSWORD']) !== undefined;

/** Health ports as outside a container: all services share the host's network. */
const SERVICES = { agent: 9101, router: 9102, notifier: 9103, console: 9104 };

const service = ([name, healthPort]: readonly [string, number]): string => `
  ${name}:
    <<: *service
    command: ["services/${name}/main.ts"]
    env_file: [common.env, ${name}.env]
    environment:
      <<: *environment
      HEALTH_PORT: "${healthPort}"
`;

const nats = (port: string): string => `
  nats:
    image: nats:2.14.2-alpine
    command: ["-a", "127.0.0.1", "-p", "${port}", "-js", "-sd", "/data"]
    network_mode: host
    volumes: ["nats:/data"]
    restart: unless-stopped
`;

const redis = (port: string): string => `
  redis:
    image: redis:7.4-alpine
    command: ["redis-server", "--bind", "127.0.0.1", "--port", "${port}", "--appendonly", "yes", "--maxmemory-policy", "noeviction"]
    network_mode: host
    volumes: ["redis:/data"]
    restart: unless-stopped
`;

const volumes = (names: readonly string[]): string =>
  names.length === 0 ? '' : `\nvolumes:\n${names.map((name) => `  ${name}:\n`).join('')}`;

/** A compose file for a Linux host. Containers use the host's network: a stock FreeSWITCH listens on loopback. */
export function compose(answers: Answers, { repository, tag }: Image): OutputFile {
  const { SOCKET_HOST: socketHost } = answers;
  const natsPort = ownPort(answers['NATS_URL'], answers['NATS_PASSWORD']);
  const redisPort = ownPort(answers['REDIS_URL'], answers['REDIS_PASSWORD']);
  const text = `# Dialhook ${socketHost === undefined ? 'beside a FreeSWITCH on this Linux host' : 'for a FreeSWITCH on another host'}, written by "dialhook init":
#
#   docker compose -f compose.yaml up -d
#
# The containers use the network of the host, and listen on loopback alone${socketHost === undefined ? '' : ', except the agent for FreeSWITCH'}.
# Settings: the .env files beside this file.
name: dialhook

x-service: &service
  image: ${repository}:${tag}
  network_mode: host
  read_only: true
  cap_drop: [ALL]
  security_opt: ["no-new-privileges:true"]
  restart: unless-stopped
  # Rotates; Docker's default driver does not.
  logging: { driver: local }
  # Longer than STOP_DEADLINE_MS (20 s).
  stop_grace_period: 25s

x-environment: &environment
  HEALTH_HOST: 127.0.0.1
  SOCKET_HOST: ${JSON.stringify(socketHost ?? '127.0.0.1')}
  CONSOLE_HOST: 127.0.0.1

services:${Object.entries(SERVICES).map(service).join('')}${natsPort === undefined ? '' : nats(natsPort)}${redisPort === undefined ? '' : redis(redisPort)}${volumes(
    [...(natsPort === undefined ? [] : ['nats']), ...(redisPort === undefined ? [] : ['redis'])],
  )}`;
  return { name: 'compose.yaml', text, secret: false };
}
