import { setFlagsFromString } from 'node:v8';

/**
 * V8 frees dead buffers in a thread of its own and counts them as held until it next looks. While results of many MiB
 * pass in buffers of 64 KiB it so believes memory to be short and collects everything, again and again: in some relay
 * processes 50 ms of CPU for each result of 8 MiB instead of 15. Freed at once, they are never too many.
 */
const FREED_AT_ONCE = '--no-concurrent-array-buffer-sweeping';
/** The agent's heap is so small that V8 by itself collects all of it for every 8 MiB of buffers: a quarter of its CPU then. */
const SMALL_HEAP_MAY_GROW = '--heap-growing-percent=400';

/**
 * Buffers on their way through count towards the limit at which V8 collects all of its heap, and a heap of 20 MiB reaches
 * it several times for each result of 60 MiB, unless scavenges, which are as rare as little else is allocated, free them
 * before: each collection holds up all calls for 5 to 10 ms. With this it is three times what was in use, about what V8
 * gives a busy heap by itself; not more, since a relay of many devices is no small heap.
 */
const BUFFERS_MAY_PASS = '--heap-growing-percent=200';

/** V8's flags for a process that passes large messages on. A V8 that does not know one ignores it: a test looks for that. */
export const COLLECTOR_FLAGS = {
  relay: [FREED_AT_ONCE, BUFFERS_MAY_PASS],
  agent: [FREED_AT_ONCE, SMALL_HEAP_MAY_GROW],
} as const;

/** Suits the garbage collector of this process to its role. To be called before anything large is read. */
export function tuneCollector(role: keyof typeof COLLECTOR_FLAGS): void {
  for (const flag of COLLECTOR_FLAGS[role]) setFlagsFromString(flag);
}
