import { z } from 'zod';
import { port, secret } from './settings.ts';

/** Where the agent accepts the connections of the application `socket`. */
export const socketSettings = {
  SOCKET_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('address on which the agent accepts the connections of the socket application'),
  SOCKET_PORT: port()
    .default(8084)
    .describe(
      'port on which the agent accepts the connections of the socket application; 0 picks a free port',
    ),
};

/** Address of the event socket and login. */
export const freeswitchSettings = {
  FREESWITCH_HOST: z.string().default('127.0.0.1').describe('host of the FreeSWITCH event socket'),
  FREESWITCH_PORT: port().default(8021).describe('port of the FreeSWITCH event socket'),
  FREESWITCH_USER: z
    .string()
    .regex(/^[^\s:@]+@[^\s:@]+$/, 'must be written user@domain')
    .optional()
    .describe(
      'directory user, written user@domain, to log in to the event socket as (userauth). Unset: the login uses only the event socket password',
    ),
  FREESWITCH_PASSWORD: secret()
    .default('ClueCon')
    .describe('password of FREESWITCH_USER, or the event socket password when FREESWITCH_USER is not set'),
};
