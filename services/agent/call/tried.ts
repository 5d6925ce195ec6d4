import type { EndpointRequest } from '#libs/contract/endpoint.ts';
import { type ChannelData, variableList } from './channel-data.ts';

/**
 * The called legs in the order tried, each with its cause. A leg is `NONE` when its originate succeeded, which
 * FreeSWITCH also says of a leg that had early media and then failed.
 */
export function tried(data: ChannelData): EndpointRequest['tried'] {
  const causes = new Map(
    variableList(data, 'originate_causes').map((entry) => {
      const [leg = '', cause = ''] = entry.split(';');
      return [leg, cause];
    }),
  );
  const legs = new Map(
    variableList(data, 'originated_legs').map((entry) => {
      const [leg = '', , number = ''] = entry.split(';');
      return [leg, { leg, number, cause: causes.get(leg) ?? '' }];
    }),
  );
  return [...legs.values()];
}
