import { describe, expect, it } from 'vitest';
import { CallAbort, type CallSignal } from './call-signal.js';

/** Both have to do the same; `abort` is not part of what a call sees. */
const kinds: readonly [string, () => { readonly signal: CallSignal; abort(reason: unknown): void }][] = [
  [
    'AbortController',
    () => {
      const made = new AbortController();
      return { signal: made.signal, abort: (reason) => made.abort(reason) };
    },
  ],
  [
    'CallAbort',
    () => {
      const made = new CallAbort();
      return { signal: made, abort: (reason) => made.abort(reason) };
    },
  ],
];

describe.each(kinds)('%s', (_name, make) => {
  it('tells each listener once, in order, and keeps the first reason', () => {
    const { signal, abort } = make();
    const told: string[] = [];
    const twice = () => told.push('a');
    signal.addEventListener('abort', twice);
    signal.addEventListener('abort', twice);
    signal.addEventListener('abort', () => told.push(`b ${signal.aborted} ${String(signal.reason)}`), { once: true });
    expect(signal.aborted).toBe(false);
    signal.throwIfAborted();
    abort('gone');
    abort('again');
    expect(told).toEqual(['a', 'b true gone']);
    expect(signal.reason).toBe('gone');
    expect(() => signal.throwIfAborted()).toThrow('gone');
  });

  it('does not tell who has left, or was taken off by another listener, or came too late', () => {
    const { signal, abort } = make();
    const told: string[] = [];
    const left = () => told.push('left');
    const taken = () => told.push('taken off');
    signal.addEventListener('abort', left);
    signal.addEventListener('abort', () => {
      signal.removeEventListener('abort', taken);
      signal.addEventListener('abort', () => told.push('late'));
    });
    signal.addEventListener('abort', taken);
    signal.removeEventListener('abort', left);
    signal.removeEventListener('abort', () => {});
    abort('gone');
    signal.addEventListener('abort', () => told.push('later'));
    expect(told).toEqual([]);
  });
});
