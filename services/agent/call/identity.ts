import { type ChannelData, header } from './channel-data.ts';

export interface CallIdentity {
  readonly caller_id_number: string;
  readonly caller_id_name: string;
  readonly destination_number: string;
}

/**
 * Who calls whom. In the data of the caller leg it is in the profile `Caller`; in the data of a called leg it
 * is in the profile of the leg that originated it, `Other-Leg`.
 */
export const callIdentity = (data: ChannelData, profile: 'Caller' | 'Other-Leg'): CallIdentity => ({
  caller_id_number: header(data, `${profile}-Caller-ID-Number`),
  caller_id_name: header(data, `${profile}-Caller-ID-Name`),
  destination_number: header(data, `${profile}-Destination-Number`),
});
