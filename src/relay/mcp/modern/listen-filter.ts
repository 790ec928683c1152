import { isShape, type Shape } from '../json-rpc.js';
import { LIST_KINDS, type ListKind } from '../lists/lists.js';

/** What a client asks to be told of (26 basic/patterns/subscriptions, "Notification Filter"). */
export interface ListenFilter {
  /** Lists whose changes it wants to hear of. */
  readonly lists: readonly ListKind[];
  readonly resources: readonly string[];
  /** Of the tasks extension. */
  readonly tasks: readonly string[];
}

/** Of one kind in one request. */
const MAX_NAMES = 1000;

/** The filter's member for a list. */
export function listFlag(kind: ListKind): string {
  return `${kind}ListChanged`;
}

/** @returns the filter, or, as text, what is wrong with it; members that are not known here are left out */
export function readFilter(params: Shape | undefined): ListenFilter | string {
  const filter = params?.notifications;
  if (!isShape(filter)) return 'params.notifications must be an object that says what to be told of';
  const resources = readNames(filter.resourceSubscriptions);
  const tasks = readNames(filter.taskIds);
  if (resources === undefined || tasks === undefined) {
    return `params.notifications.resourceSubscriptions, and taskIds, must be lists of at most ${MAX_NAMES} strings`;
  }
  return { lists: LIST_KINDS.filter((kind) => filter[listFlag(kind)] === true), resources, tasks };
}

/** Each name once; undefined for what is no list of names. */
export function readNames(value: unknown): readonly string[] | undefined {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > MAX_NAMES) return undefined;
  const names = value.filter((name: unknown) => typeof name === 'string');
  return names.length === value.length ? [...new Set(names)] : undefined;
}
