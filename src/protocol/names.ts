/** Names of devices, servers and tools as clients see them (docs/architecture.md, "Names"). */

/** Device and server names: they may begin a URI scheme, and the first `__` always ends one. */
const SLUG = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
export const SLUG_MAX = 20;

/** The strictest client's rule; one bad name makes it drop the whole connector. */
export const TOOL_NAME = /^[a-zA-Z0-9_-]{1,64}$/;

/** 64 less `mcp__`, a connector name of five and `__`, which clients put in front. */
export const EXPOSED_NAME_MAX = 52;

/** True for a valid device or server name. */
export function isSlug(name: string): boolean {
  return name.length <= SLUG_MAX && SLUG.test(name);
}

/** A valid device name made of any text, e.g. a host name: `Anna's MacBook.local` → `anna-s-macbook`. */
export function toSlug(text: string, fallback = 'device'): string {
  const slug = text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\.(local|lan|home|localdomain)$/, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, SLUG_MAX)
    .replace(/-+$/, '');
  return slug === '' ? fallback : slug;
}

/** The name under which a second device of the same wished name goes: `laptop-2`; never longer than SLUG_MAX. */
export function numberedSlug(name: string, number: number): string {
  const suffix = `-${number}`;
  return name.slice(0, SLUG_MAX - suffix.length).replace(/-+$/, '') + suffix;
}

export interface NamedItem {
  /** Device name, or undefined for the short form. */
  readonly device: string | undefined;
  readonly server: string;
  readonly name: string;
  /** What makes the item one of a kind however it is shown: device id, server, name. */
  readonly identity: string;
}

/** Short hash of an identity: at least six characters of [a-z2-7]. Given in, since this folder imports nothing. */
export type HashName = (identity: string) => string;

/**
 * Exposed names of one list, in the order given. Every name matches TOOL_NAME, none equals another even
 * case-insensitively, and a name depends on its own item and on whom it collides with, never on order.
 * `taken` are names that no item may get (the built-in tools).
 */
export function exposedNames(items: readonly NamedItem[], hash: HashName, taken: readonly string[]): string[] {
  const plain = items.map((item) => {
    const base = `${item.device === undefined ? '' : `${item.device}__`}${item.server}__${item.name}`;
    const clean = base.replace(/[^a-zA-Z0-9_-]/gu, '_');
    return { clean, exact: clean === base && clean.length <= EXPOSED_NAME_MAX };
  });
  const uses = new Map<string, number>(taken.map((name) => [name.toLowerCase(), 1]));
  for (const { clean } of plain) uses.set(clean.toLowerCase(), (uses.get(clean.toLowerCase()) ?? 0) + 1);
  return plain.map(({ clean, exact }, index) => {
    if (exact && uses.get(clean.toLowerCase()) === 1) return clean;
    const item = items[index] as NamedItem;
    return `${clean.slice(0, EXPOSED_NAME_MAX - 7)}_${hash(item.identity).slice(0, 6)}`;
  });
}

/** The relay's own tools. No tool of a local server gets one of these names. */
export const BUILT_IN_TOOLS = ['status', 'restart', 'read_more'] as const;

export type BuiltInTool = (typeof BUILT_IN_TOOLS)[number];

/** Whether this is the name of one of the relay's own tools. */
export function isBuiltInTool(name: string): name is BuiltInTool {
  return BUILT_IN_TOOLS.some((known) => known === name);
}
