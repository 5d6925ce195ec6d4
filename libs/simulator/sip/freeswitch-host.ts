/** The address of the simulated FreeSWITCH. */
export const FREESWITCH_HOST = '127.0.0.1';
