import { integer } from '#libs/simulator/switch/switch-strings.ts';

/** `tone_stream://%(ON,OFF,HZ)` lasts as long as its tones, in ms; a sound file has no length here. */
export const soundMs = (path: string): number =>
  [...path.matchAll(/%\((\d+),(\d+)/g)].reduce((sum, [, on, off]) => sum + integer(on) + integer(off), 0);
