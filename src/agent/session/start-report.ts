/** How a daemon that was just started tells its starter how that went: one line on its standard output. */
export type StartReport =
  | { readonly kind: 'ready' }
  /** Another process was first: join that one. */
  | { readonly kind: 'held' }
  | { readonly kind: 'failed'; readonly message: string };

export function encodeStartReport(report: StartReport): string {
  return `${JSON.stringify(report)}\n`;
}

/** @returns undefined for a line that is none, such as a warning some package printed */
export function decodeStartReport(line: string): StartReport | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('kind' in value)) return undefined;
  if (value.kind === 'ready' || value.kind === 'held') return { kind: value.kind };
  if (value.kind !== 'failed' || !('message' in value) || typeof value.message !== 'string') return undefined;
  return { kind: 'failed', message: value.message };
}
