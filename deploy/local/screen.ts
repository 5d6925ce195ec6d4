import { stripVTControlCharacters, styleText } from 'node:util';
import type { LogLine } from './cluster.ts';
import { Stories, type Story } from './story.ts';

type Style = Parameters<typeof styleText>[0];

const REFRESH_MS = 100;
const KEEP_LIVE_MS = 120_000;
const MAX_LIVE_LINES = 12;

const seconds = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

const OUTCOMES: Readonly<Record<string, Style>> = { NORMAL_CLEARING: 'green', ORIGINATOR_CANCEL: 'gray' };

function stepWords({ action, number, cause, by }: Story['steps'][number], story: Story): [string, Style] {
  switch (action) {
    case 'ring':
      return [story.to === number ? 'rings' : `${number} rings`, 'yellow'];
    case 'progress':
      return ['early media', 'yellow'];
    case 'answer':
      return ['answered', 'green'];
    default: {
      const talked = story.talkMs ? ` after ${seconds(story.talkMs)}` : '';
      return [`${by ?? ''} hung up${talked} ${cause ?? ''}`, OUTCOMES[cause ?? ''] ?? 'magenta'];
    }
  }
}

function decisionWords({ result, decisionMs }: Story): [string, Style] {
  if (result === undefined) return ['asking ...', 'dim'];
  if (result === 'decided') return [`decided in ${decisionMs ?? '?'} ms`, 'cyan'];
  if (result === 'caller_gone') return ['gave up while asking', 'gray'];
  return [`${result}, dialplan goes on`, 'red'];
}

/** One call in one line. `paint` colours, or returns the text as it is. */
export function storyLine(story: Story, paint: (style: Style, text: string) => string): string {
  const place = paint('dim', `${story.time.slice(11, 19)} ${story.node} ${story.uuid.slice(0, 8)}`);
  const words = [decisionWords(story), ...story.steps.map((step) => stepWords(step, story))];
  const told = `${story.told}/${story.steps.length} told${story.retries > 0 ? `, ${story.retries} retries` : ''}`;
  const tale = [
    ...words.map(([text, style]) => paint(style, text)),
    ...(story.steps.length > 0 ? [paint('dim', told)] : []),
  ];
  return `${place}  ${paint('bold', `${story.from} → ${story.to}`)}  ${tale.join(paint('dim', ' · '))}`;
}

/**
 * Shows calls as they happen: those under way at the bottom, rewritten in place on a terminal, those that have ended
 * above. Without a terminal only ended calls are written, one line each.
 */
export class Screen {
  readonly #stream: NodeJS.WriteStream;
  readonly #stories = new Stories();
  readonly #live: boolean;
  #shown = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#live = stream.isTTY === true;
    if (this.#live) this.#timer = setInterval(() => this.#refresh(), REFRESH_MS);
  }

  /** A line of words of our own, above the calls. */
  say(words: string): void {
    this.#above([words]);
  }

  read(line: LogLine): void {
    const story = this.#stories.read(line);
    if (story === undefined) {
      if (line.level === 'error' || line.level === 'fatal')
        this.say(this.#paint('red', `${line.service}: ${line.message}`));
      return;
    }
    if (!Stories.ended(story)) return;
    this.#stories.forget(story);
    this.#above([storyLine(story, this.#paint)]);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#above(this.#stories.live.map((story) => storyLine(story, this.#paint)));
    this.#timer = undefined;
  }

  readonly #paint = (style: Style, text: string): string => styleText(style, text, { stream: this.#stream });

  #above(lines: readonly string[]): void {
    this.#clear();
    for (const line of lines) this.#stream.write(`${line}\n`);
    if (this.#timer) this.#drawLive();
  }

  #refresh(): void {
    const now = Date.now();
    for (const story of this.#stories.live)
      if (now - Date.parse(story.time) > KEEP_LIVE_MS) this.#stories.forget(story);
    this.#clear();
    this.#drawLive();
  }

  #clear(): void {
    if (this.#shown > 0) this.#stream.write(`\x1b[${this.#shown}F\x1b[J`);
    this.#shown = 0;
  }

  #drawLive(): void {
    const width = Math.max(40, this.#stream.columns || 80) - 1;
    const lines = this.#stories.live.slice(-MAX_LIVE_LINES).map((story) => {
      const line = storyLine(story, this.#paint);
      return stripVTControlCharacters(line).length <= width
        ? line
        : stripVTControlCharacters(line).slice(0, width);
    });
    for (const line of lines) this.#stream.write(`${line}\n`);
    this.#shown = lines.length;
  }
}
