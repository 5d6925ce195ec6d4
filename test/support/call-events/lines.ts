import type { EndpointRequest, Notification, TriedLeg } from '#libs/contract/endpoint.ts';

const joined = (...parts: (string | number | false | undefined)[]): string =>
  parts.filter((part) => part !== undefined && part !== false && part !== '').join(' ');

/** `NUMBER:CAUSE`, and of a leg that failed its SIP status and what it did before. */
function leg({ number, cause, sip_status, rang, early_media }: TriedLeg): string {
  const failed = cause !== 'NONE';
  const facts = [
    number,
    cause,
    failed && sip_status,
    failed && rang && 'rang',
    failed && early_media && 'media',
  ];
  return facts.filter((fact) => fact !== false && fact !== undefined).join(':');
}

export const requestLine = (request: EndpointRequest, dialledIn: (uuid: string) => string): string =>
  joined(
    ...[request.reason, request.attempt, request.destination_number, request.redirect_to],
    request.transferred_by && `by ${request.transferred_by}`,
    request.transferred_from && `from ${dialledIn(request.transferred_from)}`,
    ...request.tried.map(leg),
  );

/**
 * A notification without its times. `numberOf` gives the number of a called leg and `dialledIn` the number dialled in a
 * call; `''` when they are not known.
 */
export function line(
  one: Notification,
  numberOf: (leg: string) => string,
  dialledIn: (uuid: string) => string,
): string {
  if (one.action === 'leg_end')
    return joined(one.action, one.called_number, one.cause, one.sip_status, one.redirect_to);
  if (one.action === 'transfer') {
    const { kind, by, to_number, to_call } = one;
    return joined(
      ...[one.action, kind, 'by', by, numberOf(one.leg), 'to', to_number],
      to_call !== undefined && `in ${dialledIn(to_call)}`,
    );
  }
  if (one.action !== 'hangup') return joined(one.action, one.called_number);
  if (one.recovered) return 'hangup synthesized';
  return joined(one.action, one.billable_ms > 0 ? 'talk' : 'silent', ...one.tried.map(leg));
}

/** The lines of each call, by the number dialled. */
export function linesOf(notifications: readonly Notification[]): Record<string, string[]> {
  const dialled = new Map(notifications.map(({ uuid, destination_number }) => [uuid, destination_number]));
  const numbers = new Map(
    notifications.flatMap((one) => ('called_number' in one ? [[one.leg, one.called_number]] : [])),
  );
  const lines: Record<string, string[]> = {};
  for (const one of notifications) {
    lines[one.destination_number] ??= [];
    lines[one.destination_number]?.push(
      line(
        one,
        (uuid) => numbers.get(uuid) ?? '',
        (uuid) => dialled.get(uuid) ?? '',
      ),
    );
  }
  return lines;
}
