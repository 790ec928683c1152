/** Which list a server says has changed. */
export type ListKind = 'tools' | 'prompts' | 'resources';

export const LIST_KINDS: readonly ListKind[] = ['tools', 'prompts', 'resources'];

/** The list that a notification says has changed. */
export function changedList(method: string): ListKind | undefined {
  return LIST_KINDS.find((kind) => method === listChanged(kind));
}

export function listChanged(kind: ListKind): string {
  return `notifications/${kind}/list_changed`;
}
