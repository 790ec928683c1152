import { constants } from 'node:os';

/** SIGHUP: the terminal was closed. */
const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type Name = (typeof names)[number];

/** Why a command's signal aborted. Its exit status is the shell's for a process that this signal ended. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;

  constructor(signal: Name) {
    super(`stopped by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/**
 * For commands that run until they are stopped. The first SIGINT, SIGTERM or SIGHUP aborts the signal `work` is given, so
 * that it ends in order, which is no failure; the second ends the process at once.
 */
export async function untilSignalled(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  try {
    await interruptible(work);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
  }
}

/** For commands with a result. The same signals; rejects with {@link Interrupted} when one of them ended `work`. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onSignal = (name: Name) => {
    if (controller.signal.aborted) process.exit(128 + constants.signals[name]);
    if (name === 'SIGINT' && process.stderr.isTTY) {
      process.stderr.write('\nStopping. Press Ctrl-C again to end at once.\n');
    }
    controller.abort(new Interrupted(name));
  };
  for (const name of names) process.on(name, onSignal);
  try {
    return await work(controller.signal);
  } catch (error) {
    const { aborted, reason } = controller.signal;
    // Some APIs reject with an error of their own when their signal aborts.
    if (aborted && error instanceof Error && error.name === 'AbortError') throw reason;
    throw error;
  } finally {
    for (const name of names) process.removeListener(name, onSignal);
  }
}
