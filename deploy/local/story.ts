import type { LogLine } from './cluster.ts';

/** What is known of one call, put together from the lines that agents and notifiers log about it. */
export interface Story {
  readonly uuid: string;
  readonly node: string;
  readonly time: string;
  from: string;
  to: string;
  /** dialhook_result and the milliseconds it took. */
  result: string | undefined;
  error: string | undefined;
  decisionMs: number | undefined;
  /** What happened, in order, in the endpoint's words. */
  readonly steps: {
    action: string;
    number: string | undefined;
    cause: string | undefined;
    by: string | undefined;
  }[];
  talkMs: number | undefined;
  /** Notifications that the endpoint has taken. */
  told: number;
  retries: number;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const count = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

/** The stories of the calls of late, by uuid. */
export class Stories {
  readonly #stories = new Map<string, Story>();

  /** Reads one line. Returns the story that it continues, if it is about a call. */
  read(line: LogLine): Story | undefined {
    const uuid = text(line['call']);
    if (uuid === undefined || line.service.startsWith('router')) return undefined;
    const story = this.#stories.get(uuid) ?? this.#begin(uuid, line);
    switch (line['event']) {
      case 'call.decided':
      case 'call.not_decided':
        story.result = text(line['result']);
        story.error = text(line['error']);
        story.decisionMs = count(line['ms']);
        story.from = text(line['from']) ?? story.from;
        story.to = text(line['to']) ?? story.to;
        break;
      case 'notification.published':
        story.steps.push({
          action: text(line['action']) ?? '',
          number: text(line['number']),
          cause: text(line['cause']),
          by: text(line['hangup_by']),
        });
        story.talkMs = count(line['billable_ms']) ?? story.talkMs;
        break;
      case 'notification.delivered':
        story.told++;
        break;
      case 'notification.failed':
        story.retries++;
        break;
      default:
        return undefined;
    }
    return story;
  }

  /** The call is over and its endpoint knows. */
  static ended(story: Story): boolean {
    return story.steps.some(({ action }) => action === 'hangup') && story.told >= story.steps.length;
  }

  forget(story: Story): void {
    this.#stories.delete(story.uuid);
  }

  get live(): Story[] {
    return [...this.#stories.values()];
  }

  #begin(uuid: string, line: LogLine): Story {
    const story: Story = {
      uuid,
      node: text(line['node']) ?? '',
      time: text(line['time']) ?? new Date().toISOString(),
      from: '',
      to: '',
      result: undefined,
      error: undefined,
      decisionMs: undefined,
      steps: [],
      talkMs: undefined,
      told: 0,
      retries: 0,
    };
    this.#stories.set(uuid, story);
    return story;
  }
}
