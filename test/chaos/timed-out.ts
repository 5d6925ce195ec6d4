/** An attempt with this result ended although the endpoint may have accepted the notification. */
const TIMED_OUT = 'response_timeout';

/** Attempts of notifiers that timed out, by `webhook-id`, read from the fields of their log lines. */
export class TimedOutAttempts {
  readonly counts = new Map<string, number>();

  read(line: string): void {
    if (!line.includes('"notification.failed"')) return;
    const { event, result, notification } = JSON.parse(line) as Record<string, string | undefined>;
    if (event !== 'notification.failed' || notification === undefined || result !== TIMED_OUT) return;
    this.counts.set(notification, (this.counts.get(notification) ?? 0) + 1);
  }
}
