import { Interrupted } from './signals.js';

/** What the process's exit status says. */
export const exitCodes = {
  ok: 0,
  /** A fault of this program. */
  bug: 1,
  /** Wrong command line or config, or this machine in the way: a port taken, a folder not writable. */
  usage: 2,
  notLoggedIn: 3,
  /** The relay, or the agent asked about, is not up. */
  unreachable: 4,
} as const;

const { bug, usage, notLoggedIn, unreachable } = exitCodes;

/**
 * Errors whose message is for the user and ends with the next step, by name, and where one error has several causes by
 * its `code`. Names, not classes: this folder loads neither the relay nor the agent.
 */
const byName: Readonly<Record<string, number | Readonly<Record<string, number>>>> = {
  ConfigError: usage,
  UsageError: usage,
  PrivatePathError: usage,
  StoreError: usage,
  ListenError: usage,
  InstanceHeldError: usage,
  JoinError: unreachable,
  ControlError: unreachable,
  CredentialError: { relay_unreachable: unreachable, '': notLoggedIn },
  LoginError: {
    relay_unreachable: unreachable,
    not_a_relay: unreachable,
    wrong_origin: usage,
    insecure: usage,
    '': notLoggedIn,
  },
  DiscoveryError: { relay_unreachable: unreachable, not_a_relay: unreachable, '': usage },
  LinkRefused: { version: usage, replaced: usage, '': notLoggedIn },
};

/** For the test that none of these names is out of date. */
export const knownErrors: readonly string[] = Object.keys(byName);

/** What the system says when a disk cannot be written or a path not reached, and what to do. */
const bySystemCode: Readonly<Record<string, string>> = {
  EACCES: 'This user may not do that. Allow it, or write another path in the config.',
  EPERM: 'This user may not do that. Allow it, or write another path in the config.',
  ENOSPC: 'The disk is full. Make room and try again.',
  EROFS: 'That disk is read-only. Write another "dataDir" in the config.',
};

export interface Failure {
  readonly exitCode: number;
  readonly message: string;
  /** The error's own code, for programs. */
  readonly code?: string;
  /** Where in the program; for bugs only. */
  readonly stack?: string;
}

/** What to tell about an error: the only place where errors become exit statuses. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { exitCode: bug, message: String(error) };
  if (error instanceof Interrupted) return { exitCode: error.exitCode, message: error.message };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const withCode = code === undefined ? {} : { code };
  const known = Object.hasOwn(byName, error.name) ? byName[error.name] : byName[error.constructor.name];
  if (known !== undefined) {
    const exitCode = typeof known === 'number' ? known : (known[code ?? ''] ?? known[''] ?? bug);
    return { exitCode, message: error.message, ...withCode };
  }
  // oclif's own: a flag or argument it does not know.
  if ('oclif' in error) return { exitCode: usage, message: error.message };
  const hint = code === undefined ? undefined : bySystemCode[code];
  if (hint !== undefined) return { exitCode: usage, message: `${error.message}\n${hint}`, ...withCode };
  return {
    exitCode: bug,
    message: error.message,
    ...withCode,
    ...(error.stack !== undefined && { stack: error.stack }),
  };
}
