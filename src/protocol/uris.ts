/**
 * Resource URIs where several servers share an endpoint (/mcp and /mcp/<device>). A URI says nothing of whose it is, and
 * two servers may have the same one, so each gets its server's key in front: `laptop.files+file:///a/b`. That is a URI
 * with a scheme of its own (RFC 3986 §3.1), so no client opens another machine's `file://` as its own; the rest stands
 * as it was, RFC 6570 expressions of a template included; and it is undone by cutting at the first `+`, without a table.
 */

const EXPOSED = /^([a-z][a-z0-9-]*\.[a-z][a-z0-9-]*)\+/;
const EXPOSED_UI = /^ui:\/\/([a-z][a-z0-9-]*\.[a-z][a-z0-9-]*)\+/;

/** `<device>.<server>`. Both are slugs (names.ts), so the key has one dot, and only characters of a scheme. */
export function uriKey(device: string, server: string): string {
  return `${device}.${server}`;
}

/** A server's own URI, or URI template, as an endpoint of several servers shows it. MCP Apps want `ui://` in front (ext-apps). */
export function exposeUri(key: string, uri: string): string {
  return uri.startsWith('ui://') ? `ui://${key}+${uri.slice('ui://'.length)}` : `${key}+${uri}`;
}

/** Undoes `exposeUri`; undefined for a URI that has no key in front. */
export function ownUri(exposed: string): { readonly key: string; readonly uri: string } | undefined {
  const ui = EXPOSED_UI.exec(exposed);
  if (ui?.[1] !== undefined) return { key: ui[1], uri: `ui://${exposed.slice(ui[0].length)}` };
  const plain = EXPOSED.exec(exposed);
  return plain?.[1] === undefined ? undefined : { key: plain[1], uri: exposed.slice(plain[0].length) };
}
