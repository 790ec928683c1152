import { afterEach, describe, expect, it, vi } from 'vitest';
import { LineReader } from './line-reader.js';

const MIB = 1024 * 1024;

const read = (limit: number) => {
  const lines: string[] = [];
  const long: { head: string; tail: string; bytes: number }[] = [];
  const reader = new LineReader(limit, {
    line: (line) => lines.push(line.toString()),
    overlong: (head, tail, bytes) => long.push({ head: head.toString(), tail: tail.toString(), bytes }),
  });
  return { reader, lines, long };
};

afterEach(() => void vi.restoreAllMocks());

describe('LineReader', () => {
  it('cuts lines wherever chunks end, within characters too', () => {
    const { reader, lines } = read(100);
    for (const byte of Buffer.from('{"a":"é€"}\n\nsecond\nlast')) reader.push(Buffer.from([byte]));
    expect(lines).toEqual(['{"a":"é€"}', '', 'second']);
    reader.end();
    expect(lines.at(-1)).toBe('last');
    reader.push(Buffer.from('x\ny\nz'));
    expect(lines.slice(4)).toEqual(['x', 'y']);
  });

  it('drops a line over the limit but for its ends, and goes on', () => {
    const { reader, lines, long } = read(10_000);
    reader.push(Buffer.from(`a${'x'.repeat(9_999)}\nb`));
    for (let count = 0; count < 300; count += 1) reader.push(Buffer.from('y'.repeat(100)));
    reader.push(Buffer.from('end\nafter\n'));
    expect(lines).toEqual([`a${'x'.repeat(9_999)}`, 'after']);
    expect(long).toHaveLength(1);
    expect(long[0]?.bytes).toBe(30_004);
    expect(long[0]?.head).toBe(`b${'y'.repeat(4095)}`);
    expect(long[0]?.tail).toBe(`${'y'.repeat(4093)}end`);
  });

  it('drops a large line that comes to be over the limit', () => {
    const { reader, lines, long } = read(3 * MIB);
    reader.push(Buffer.from(`begin${'x'.repeat(2 * MIB)}`));
    for (let count = 0; count < 64; count += 1) reader.push(Buffer.alloc(64 * 1024, 'y'));
    reader.push(Buffer.from('end\nafter\n'));
    expect(lines).toEqual(['after']);
    expect(long).toEqual([
      { head: `begin${'x'.repeat(4091)}`, tail: `${'y'.repeat(4093)}end`, bytes: 5 + 2 * MIB + 4 * MIB + 3 },
    ]);
  });

  it('moves each byte once, or twice where the line is large', () => {
    let moved = 0;
    const set = Uint8Array.prototype.set;
    vi.spyOn(Uint8Array.prototype, 'set').mockImplementation(function (this: Uint8Array, from, at) {
      moved += from.length;
      set.call(this, from, at);
    });
    const { reader, lines } = read(64 * MIB);
    const chunk = Buffer.alloc(64 * 1024, 'a');
    for (let count = 0; count < 16; count += 1) reader.push(chunk);
    reader.push(Buffer.from('\n'));
    expect(moved).toBeLessThanOrEqual(MIB);
    moved = 0;
    for (let count = 0; count < 512; count += 1) reader.push(chunk);
    reader.push(Buffer.from('\n'));
    expect(lines.map((line) => line.length)).toEqual([MIB, 32 * MIB]);
    expect(moved).toBeGreaterThanOrEqual(32 * MIB);
    expect(moved).toBeLessThanOrEqual(64 * MIB);
  });
});
