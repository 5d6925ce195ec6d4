import { describe, expect, it } from 'vitest';
import { LruMap } from '#libs/lru/lru-map.ts';

const keys = (map: LruMap<string, number>) => [...map].map(([key]) => key);

describe('LruMap', () => {
  it('evicts the least recently used entry: reads and writes are uses, peeks are not', () => {
    const map = new LruMap<string, number>(3);
    for (const [index, key] of ['a', 'b', 'c'].entries()) map.set(key, index);
    expect([map.get('a'), map.peek('b')]).toEqual([0, 1]);
    map.set('c', 9);
    map.set('d', 3);
    expect(keys(map)).toEqual(['a', 'c', 'd']);
    expect([map.get('b'), map.size, map.peek('c')]).toEqual([undefined, 3, 9]);
  });

  it('keeps room for a new entry after one was deleted', () => {
    const map = new LruMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    expect([map.delete('a'), map.delete('a')]).toEqual([true, false]);
    map.set('c', 3);
    expect(keys(map)).toEqual(['b', 'c']);
  });
});
