import { exposeUri, uriKey } from '../../protocol/uris.js';
import { digest } from './catalog.js';
import { itemsOf, type ListItem, type ListSource, seen, targetOf } from './name-table.js';
import type { ExposedResource, ResourceList } from './types.js';

/** A user's merged resources, or templates, and who lists which. */
export class UriTable {
  readonly list: ResourceList;
  /** By the server's own URI or template, those beyond the limit included. */
  readonly #byUri = new Map<string, ListItem[]>();

  /** @param max entries listed; the rest is counted in `omitted` */
  constructor(sources: readonly ListSource[], kind: 'resources' | 'resourceTemplates', max: number) {
    const items = itemsOf(sources, kind);
    for (const item of items) {
      const others = this.#byUri.get(item.offered.key);
      if (others === undefined) this.#byUri.set(item.offered.key, [item]);
      else others.push(item);
    }
    const listed = items
      .map((item) => ({ item, exposed: exposedResource(item) }))
      .sort((a, b) => (a.exposed.exposedUri < b.exposed.exposedUri ? -1 : 1))
      .slice(0, max);
    const omitted = items.length - listed.length;
    this.list = {
      revision: digest(...listed.flatMap(({ item, exposed }) => [exposed.exposedUri, ...seen(item)]), String(omitted)),
      resources: listed.map(({ exposed }) => exposed),
      omitted,
    };
  }

  /** Whoever lists this very URI or template. */
  lists(uri: string): readonly ListItem[] {
    return this.#byUri.get(uri) ?? [];
  }

  /** Every URI or template in it, with whoever lists it. */
  get all(): Iterable<readonly [uri: string, items: readonly ListItem[]]> {
    return this.#byUri;
  }
}

export function keyOf({ source, server }: ListItem): string {
  return uriKey(source.deviceName, server.view.name);
}

function exposedResource(item: ListItem): ExposedResource {
  return {
    exposedUri: exposeUri(keyOf(item), item.offered.key),
    target: targetOf(item),
    deviceName: item.source.deviceName,
    resource: item.offered.entry,
  };
}
