import { createHash, randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import type { LocalServerConfig } from '../../../config/config.js';
import { readPrivateFile, writePrivateFile } from '../../../config/paths.js';
import type { Clock } from '../clock.js';
import { isRecord } from '../messages.js';

/** A server may learn the other era with any new version, and a legacy verdict never fails by itself. */
const VALID_MS = 24 * 60 * 60_000;
const ENTRIES_MAX = 1_000;

type Era = 'legacy' | 'modern';

interface Verdict {
  readonly era: Era;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

interface Contents {
  /** So that the hashes of one machine, made of secrets too, say nothing about another's. */
  readonly salt: string;
  readonly verdicts: Map<string, Verdict>;
}

/** Which era each server was found to speak, for a day; kept in a file where there is one. */
export class EraMemory {
  #contents: Promise<Contents> | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** @param file absent: remembered for as long as this agent runs */
  constructor(
    private readonly clock: Clock,
    private readonly file?: string,
  ) {}

  async recall(config: LocalServerConfig): Promise<Era | undefined> {
    const { salt, verdicts } = await this.#read();
    const verdict = verdicts.get(await keyOf(config, salt));
    return verdict && this.#isValid(verdict) ? verdict.era : undefined;
  }

  /** @param era undefined: what was remembered has failed */
  async remember(config: LocalServerConfig, era: Era | undefined): Promise<void> {
    const { salt, verdicts } = await this.#read();
    const key = await keyOf(config, salt);
    const known = verdicts.get(key);
    // The day of a legacy verdict begins with its probe, not with each start.
    if (known?.era === era && (known === undefined || this.#isValid(known))) return;
    if (era === undefined) verdicts.delete(key);
    else verdicts.set(key, { era, at: this.clock.now() });
    for (const [other, verdict] of verdicts) if (!this.#isValid(verdict)) verdicts.delete(other);
    this.#writing = this.#writing.then(() => this.#write({ salt, verdicts }));
    await this.#writing;
  }

  #isValid({ at }: Verdict): boolean {
    const age = this.clock.now() - at;
    return age >= 0 && age < VALID_MS;
  }

  #read(): Promise<Contents> {
    this.#contents ??= this.file === undefined ? Promise.resolve(fresh()) : readContents(this.file);
    return this.#contents;
  }

  /** A file that cannot be written costs a probe at the next start, no more. */
  async #write({ salt, verdicts }: Contents): Promise<void> {
    if (this.file === undefined) return;
    const text = JSON.stringify({ salt, verdicts: Object.fromEntries([...verdicts].slice(-ENTRIES_MAX)) });
    await writePrivateFile(this.file, `${text}\n`).catch(() => undefined);
  }
}

function fresh(): Contents {
  return { salt: randomBytes(16).toString('hex'), verdicts: new Map() };
}

async function readContents(file: string): Promise<Contents> {
  const contents = fresh();
  const value = await parsed(file).catch(() => undefined);
  if (!isRecord(value) || typeof value.salt !== 'string' || !isRecord(value.verdicts)) return contents;
  for (const [key, verdict] of Object.entries(value.verdicts)) {
    const { era, at } = isRecord(verdict) ? verdict : {};
    if ((era === 'legacy' || era === 'modern') && typeof at === 'number') contents.verdicts.set(key, { era, at });
  }
  return { salt: value.salt, verdicts: contents.verdicts };
}

async function parsed(file: string): Promise<unknown> {
  return JSON.parse((await readPrivateFile(file)) ?? 'null');
}

/** What makes it the same server: how it is reached, and the files among the words of its command as they are now. */
async function keyOf(config: LocalServerConfig, salt: string): Promise<string> {
  const parts =
    'url' in config
      ? [config.url, sorted(config.headers)]
      : [config.command, sorted(config.env), config.cwd ?? '', await filesOf(config.command, config.cwd)];
  return createHash('sha256')
    .update(JSON.stringify([salt, parts]))
    .digest('hex');
}

function sorted(map: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(map).sort(([one], [other]) => (one < other ? -1 : 1));
}

/** Size and time of the program and of the scripts it is given, so that a new version is asked anew. */
async function filesOf(command: readonly string[], cwd = process.cwd()): Promise<unknown[]> {
  const paths = command.filter((part) => isAbsolute(part) || /^[^-].*[/\\]/.test(part));
  const states = paths.slice(0, 16).map(async (path) => {
    const found = await stat(resolve(cwd, path)).catch(() => undefined);
    return found?.isFile() ? [path, found.size, found.mtimeMs] : [];
  });
  return Promise.all(states);
}
