import type { Entry } from '../../../protocol/messages.js';
import { exposeUri } from '../../../protocol/uris.js';
import { isShape, type Shape } from '../json-rpc.js';
import { since } from '../protocol-versions.js';

/** What every kind of list entry has in common when it is shown beside those of other servers. */

/** A title that says whose entry it is (25J and later), and only icons that a client may load (25N and later). */
export function presented(entry: Entry, server: string, version: string): Shape {
  const { icons, title: _shownBelow, ...rest } = entry;
  const safe = since(version, '2025-11-25') ? safeIcons(icons) : [];
  return {
    ...rest,
    ...(since(version, '2025-06-18') ? { title: `${server}: ${ownTitle(entry)}` } : {}),
    ...(safe.length > 0 ? { icons: safe } : {}),
  };
}

function ownTitle(entry: Entry): string {
  if (typeof entry.title === 'string' && entry.title !== '') return entry.title;
  const { annotations } = entry;
  if (isShape(annotations) && typeof annotations.title === 'string' && annotations.title !== '')
    return annotations.title;
  return String(entry.name);
}

/** Clients must refuse other schemes (25N basic, "Icons"); a local server's own http: address means nothing to them. */
function safeIcons(icons: unknown): unknown[] {
  if (!Array.isArray(icons)) return [];
  return icons.filter(
    (icon: unknown) => isShape(icon) && typeof icon.src === 'string' && /^(https:\/\/|data:)/i.test(icon.src),
  );
}

/** MCP Apps name a tool's UI resource in `_meta`, in two ways (ext-apps); both are shown under its server's key. */
export function exposedMeta(meta: unknown, key: string): unknown {
  if (!isShape(meta)) return meta;
  const { ui } = meta;
  const flat = meta['ui/resourceUri'];
  return {
    ...meta,
    ...(isShape(ui) && typeof ui.resourceUri === 'string'
      ? { ui: { ...ui, resourceUri: exposeUri(key, ui.resourceUri) } }
      : {}),
    ...(typeof flat === 'string' ? { 'ui/resourceUri': exposeUri(key, flat) } : {}),
  };
}
