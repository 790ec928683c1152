import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import envPaths from 'env-paths';

const APP = 'mcp-local-tunnel';
export const CONFIG_FILE_NAME = `${APP}.config.json`;

const posix = process.platform !== 'win32';
// Both are missing on Windows, where a symbolic link takes a privilege to make; lstat stands in for them there.
const NOFOLLOW = constants.O_NOFOLLOW ?? 0;
const NONBLOCK = constants.O_NONBLOCK ?? 0;
const DIRECTORY = constants.O_DIRECTORY ?? 0;
/** Longest path the kernel takes for a Unix socket is 104 bytes on macOS and 108 on Linux, the final zero included. */
const SOCKET_PATH_BYTES = 100;

/** Per-user folder where a config file is looked for and where the agent keeps its state. */
export function userConfigDir(): string {
  return envPaths(APP, { suffix: '' }).config;
}

/** Per-user folder for the relay's store when the config has no `dataDir`. */
export function userDataDir(): string {
  return envPaths(APP, { suffix: '' }).data;
}

/** `~` and `~/x` as the home folder; anything else unchanged. */
export function expandHome(path: string, home: string = homedir()): string {
  if (path === '~') return home;
  return path.startsWith('~/') || (!posix && path.startsWith('~\\')) ? join(home, path.slice(2)) : path;
}

/** Where one agent profile keeps what it must remember. */
export interface StatePaths {
  /** Folder of this profile, 0700. */
  readonly dir: string;
  /** Tokens of the relay. */
  readonly credentials: string;
  /** Identity of this device, by which the relay knows it again. */
  readonly device: string;
  /** The daemon's control socket: a Unix socket's path, or a named pipe on Windows. */
  readonly socket: string;
  /** Base path for the lock under which one daemon starts or one token is refreshed. */
  readonly lock: string;
  /** Folder of log files, shared by all profiles, 0700. */
  readonly logs: string;
  /** Log file of this profile's daemon. */
  readonly log: string;
}

/** Paths of one profile's state; creates nothing, see {@link ensureStateDirs}. */
export function statePaths(config: { readonly stateDir: string; readonly profile: string }): StatePaths {
  const dir = join(config.stateDir, config.profile);
  const logs = join(config.stateDir, 'logs');
  return {
    dir,
    credentials: join(dir, 'credentials.json'),
    device: join(dir, 'device.json'),
    socket: socketPath(dir),
    lock: join(dir, 'agent'),
    logs,
    log: join(logs, `agent-${config.profile}.log`),
  };
}

function socketPath(dir: string): string {
  const hash = createHash('sha256').update(dir).digest('hex').slice(0, 16);
  // The pipe's name holds the folder's hash: pipes of all users of a Windows machine share one name space.
  if (!posix) return `\\\\.\\pipe\\${APP}-${hash}`;
  const path = join(dir, 'agent.sock');
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES) return path;
  return join(tmpdir(), `${APP}-${process.getuid?.() ?? 0}`, `${hash}.sock`);
}

/** Makes a profile's folders, the socket's included. Throws {@link PrivatePathError}. */
export async function ensureStateDirs(config: {
  readonly stateDir: string;
  readonly profile: string;
}): Promise<StatePaths> {
  const paths = statePaths(config);
  await ensurePrivateDir(config.stateDir);
  await ensurePrivateDir(paths.dir);
  await ensurePrivateDir(paths.logs);
  if (posix && dirname(paths.socket) !== paths.dir) await ensurePrivateDir(dirname(paths.socket));
  return paths;
}

/**
 * - `symlink`: a symbolic link stands where we keep secrets
 * - `foreign`: the path belongs to another user
 * - `exposed`: other users can read or write the file
 * - `kind`: neither a file nor a folder as expected
 * - `io`: the system refused, e.g. read-only or full
 */
export type PrivatePathErrorCode = 'symlink' | 'foreign' | 'exposed' | 'kind' | 'io';

/** A file or folder for secrets that is not safe to use. The message says what to do. */
export class PrivatePathError extends Error {
  override readonly name = 'PrivatePathError';
  constructor(
    readonly code: PrivatePathErrorCode,
    readonly path: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Makes a folder that only this user can enter (0700, whatever the umask), parents included. An existing folder of ours
 * that others could enter is closed to them. Throws {@link PrivatePathError} for a symbolic link, another user's
 * folder, or something that is no folder.
 */
export async function ensurePrivateDir(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw ioError(path, 'cannot be made', error);
  }
  await refuseSymlink(path);
  if (!posix) return;
  const folder = await openChecked(path, constants.O_RDONLY | DIRECTORY | NOFOLLOW, 0);
  try {
    const { mode, uid } = await folder.stat();
    refuseForeign(path, uid);
    if ((mode & 0o777) !== 0o700) await folder.chmod(0o700);
  } catch (error) {
    throw error instanceof PrivatePathError ? error : ioError(path, 'cannot be closed to other users', error);
  } finally {
    await folder.close();
  }
}

/**
 * Whether a folder is there. What is in it was put there by this user: throws {@link PrivatePathError} for a symbolic
 * link or another user's folder.
 */
export async function isOwnDir(path: string): Promise<boolean> {
  try {
    const stats = await lstat(path);
    if (stats.isSymbolicLink()) throw symlinkError(path);
    if (posix) refuseForeign(path, stats.uid);
    return stats.isDirectory();
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return false;
    throw error instanceof PrivatePathError ? error : ioError(path, 'cannot be looked at', error);
  }
}

/**
 * Text of a file that holds secrets, or undefined when there is none. Throws {@link PrivatePathError} for a symbolic
 * link, another user's file, or one that others can read or write.
 */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  let file: FileHandle;
  try {
    if (!posix) await refuseSymlink(path);
    // NONBLOCK: a named pipe planted at this path must not hang us before it is refused.
    file = await openChecked(path, constants.O_RDONLY | NOFOLLOW | NONBLOCK, 0);
  } catch (error) {
    if (errorCode(error instanceof PrivatePathError ? error.cause : error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new PrivatePathError('kind', path, `${path} is not a file. Remove it and try again.`);
    if (posix) {
      refuseForeign(path, stats.uid);
      if ((stats.mode & 0o077) !== 0) {
        const message = `${path} can be read or written by other users. Run: chmod 600 '${path}'`;
        throw new PrivatePathError('exposed', path, message);
      }
    }
    return await file.readFile('utf8');
  } catch (error) {
    throw error instanceof PrivatePathError ? error : ioError(path, 'cannot be read', error);
  } finally {
    await file.close();
  }
}

/**
 * Replaces a file by rename, so that a reader sees the old text or the new one and never a part; 0600 whatever the umask;
 * on disk when this resolves. The folder must exist ({@link ensurePrivateDir}). Throws {@link PrivatePathError}.
 */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  await refuseSymlink(path);
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NOFOLLOW;
  const file = await openChecked(temporary, flags, 0o600);
  try {
    try {
      if (posix) await file.chmod(0o600);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await renameOver(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw ioError(path, 'cannot be written', error);
  }
}

/** Removes a file; nothing happens when there is none. A symbolic link is removed itself, not what it points to. */
export async function removePrivateFile(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw ioError(path, 'cannot be removed', error);
  }
}

async function renameOver(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await rename(from, to);
    } catch (error) {
      // Windows refuses while a reader or a virus scanner has the target open, which lasts milliseconds.
      if (posix || attempt === 10 || !['EPERM', 'EACCES', 'EBUSY'].includes(errorCode(error) ?? '')) throw error;
      await wait(10 * attempt);
    }
  }
}

/** Makes a rename durable. Windows cannot open a folder for this and journals renames itself. */
async function syncFolder(path: string): Promise<void> {
  if (!posix) return;
  const folder = await open(path, constants.O_RDONLY | DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function openChecked(path: string, flags: number, mode: number): Promise<FileHandle> {
  try {
    return await open(path, flags, mode);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ELOOP' || code === 'EMLINK') throw symlinkError(path);
    if (code === 'ENOTDIR')
      throw new PrivatePathError('kind', path, `${path} is not a folder. Remove it and try again.`);
    throw ioError(path, 'cannot be opened', error);
  }
}

async function refuseSymlink(path: string): Promise<void> {
  try {
    if ((await lstat(path)).isSymbolicLink()) throw symlinkError(path);
  } catch (error) {
    if (error instanceof PrivatePathError || errorCode(error) !== 'ENOENT') throw error;
  }
}

function refuseForeign(path: string, uid: number): void {
  if (uid === process.getuid?.()) return;
  const message = `${path} belongs to another user (uid ${uid}). Run as that user, or remove it and try again.`;
  throw new PrivatePathError('foreign', path, message);
}

function symlinkError(path: string): PrivatePathError {
  const message = `${path} is a symbolic link, and secrets are not kept behind one. Remove the link and try again.`;
  return new PrivatePathError('symlink', path, message);
}

function ioError(path: string, what: string, cause: unknown): PrivatePathError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new PrivatePathError('io', path, `${path} ${what}: ${reason}`, { cause });
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
