import type { Random } from './mutate.ts';
import type { FakeNode } from './nodes.ts';
import type { FuzzNode, Target } from './target.ts';

/** The cases of one way between two checks. */
export interface OpenWay {
  /** Sends one case and resolves when the next one may follow. */
  run(random: Random): Promise<void>;
  /** Waits for what the cases must not have stopped. @throws when it does not come. */
  verify?(): Promise<void>;
  close(): void;
}

/** A way into the processes. */
export interface Way<N extends FuzzNode = FakeNode> {
  readonly name: string;
  readonly what: string;
  /** Cases at once. */
  readonly atOnce: number;
  /** Whether each request must be followed by the hangup of its call. */
  readonly everyCallEnds?: boolean;
  readonly open: (target: Target, node: N) => Promise<OpenWay>;
}
