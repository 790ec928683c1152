import { describe, expect, it } from 'vitest';
import { StderrTail } from './stderr-tail.js';

describe('StderrTail', () => {
  it('keeps the last 20 lines', () => {
    const tail = new StderrTail();
    for (let line = 0; line < 50; line += 1) tail.push(Buffer.from(`line ${line}\r\n`));
    expect(tail.lines()).toHaveLength(20);
    expect(tail.lines()[0]).toBe('line 30');
    tail.push(Buffer.from('no line feed'));
    expect(tail.lines().at(-1)).toBe('no line feed');
    expect(tail.lines()).toHaveLength(20);
  });

  it('stays within 8 KiB, one endless line included', () => {
    const tail = new StderrTail();
    for (let count = 0; count < 50; count += 1) tail.push(Buffer.from('x'.repeat(5_000)));
    expect(tail.lines().join('').length).toBeLessThanOrEqual(8 * 1024);
    tail.push(Buffer.from(`\n${'y'.repeat(5_000)}\n${'z'.repeat(5_000)}\n`));
    expect(tail.lines()).toEqual(['z'.repeat(5_000)]);
  });

  it('joins characters that come in two chunks', () => {
    const tail = new StderrTail();
    const bytes = Buffer.from('é\n');
    tail.push(bytes.subarray(0, 1));
    tail.push(bytes.subarray(1));
    expect(tail.lines()).toEqual(['é']);
  });

  it('disarms what would drive a terminal', () => {
    const tail = new StderrTail();
    tail.push(Buffer.from('\u001b]0;title\u0007 \u001b[2J\u009b1m\n\tat indented \u202egnp.exe'));
    expect(tail.lines()).toEqual(['\\u001b]0;title\\u0007 \\u001b[2J\\u009b1m', '    at indented \\u202egnp.exe']);
  });
});
