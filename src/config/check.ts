import type { Problem } from './config-error.js';
import { nearest } from './nearest.js';
import { isPlain, joinPath } from './plain.js';
import { getMetadataStorage, Validator } from './validator.js';

/** A class whose decorated properties are the keys of one object in the config. */
export interface Section<T extends object> {
  new (): T;
  /** What to say for keys that people write here out of habit. */
  readonly hints?: Readonly<Record<string, string>>;
}

/**
 * Checks one object against its class and adds every problem of its own keys; objects inside are checked by their own
 * call. The instance is fit for use only when no problem was added; undefined for what is no object.
 */
export function checkSection<T extends object>(
  section: Section<T>,
  value: unknown,
  path: string,
  problems: Problem[],
): T | undefined {
  // An array is an object too, and an empty one would pass every check of optional keys.
  if (!isPlain(value)) {
    problems.push({ path, message: 'must be an object; write { … }' });
    return undefined;
  }
  const known = keysOf(section);
  const own: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(value)) {
    if (known.has(key)) own[key] = entry;
    else problems.push({ path: joinPath(path, key), message: unknownKey(key, known, section.hints) });
  }
  // Not class-transformer's plainToInstance: it cannot take a server that is called `constructor`.
  const instance = Object.assign(new section(), own);
  for (const error of new Validator().validateSync(instance, { stopAtFirstError: true, forbidUnknownValues: false })) {
    const [message] = Object.values(error.constraints ?? {});
    problems.push({ path: joinPath(path, error.property), message: message ?? 'is not valid' });
  }
  return instance;
}

function keysOf(section: Section<object>): ReadonlySet<string> {
  const metadata = getMetadataStorage().getTargetValidationMetadatas(section, '', false, false);
  return new Set(metadata.map(({ propertyName }) => propertyName));
}

function unknownKey(key: string, known: ReadonlySet<string>, hints: Readonly<Record<string, string>> = {}): string {
  const hint = Object.hasOwn(hints, key) ? hints[key] : undefined;
  if (hint !== undefined) return `unknown key; ${hint}`;
  const close = nearest(key, known);
  return close === undefined
    ? `unknown key; remove it, or write one of ${[...known].join(', ')}`
    : `unknown key; did you mean "${close}"?`;
}
