import { createHash } from 'node:crypto';
import type { Catalog, ServerBrief } from '../../protocol/messages.js';
import type { ServerReason, ServerStatus } from '../../protocol/server-state.js';
import type { ServerView } from './types.js';

/** A tool's JSON deeper than this is left out: whoever writes it out again would run out of stack. */
const DEPTH_MAX = 100;

const NOTHING = { tools: [], prompts: [], resources: [], resourceTemplates: [], fit: true };

export interface OfferedTool {
  readonly name: string;
  readonly tool: Readonly<Record<string, unknown>>;
  /** Of the tool's JSON text. */
  readonly digest: string;
}

/** One local server as the registry keeps it. */
export interface ServerEntry {
  readonly view: ServerView;
  readonly tools: readonly OfferedTool[];
  /** Of everything clients may see of it. */
  readonly digest: string;
  readonly bytes: number;
  /** What the entry was made of, for the store; absent while the server was never ready. */
  readonly offered: Catalog | undefined;
}

/** An entry for a server that has been named and not described. */
export function namedServer({ name, status }: ServerBrief, reason?: ServerReason): ServerEntry {
  return {
    view: { name, status, ...(reason === undefined ? {} : { reason }), ...NOTHING },
    tools: [],
    digest: digest(status, reason ?? ''),
    bytes: 0,
    offered: undefined,
  };
}

/** True when the tools of a server in this state stay listed: it has been ready and is to be so again. */
function keepsTools(status: ServerStatus): boolean {
  return status !== 'disabled' && status !== 'stopped';
}

/** The entry with another state; what it offered stays as long as it is meant to come back. */
export function withStatus(entry: ServerEntry, status: ServerStatus, reason?: ServerReason): ServerEntry {
  if (entry.view.status === status && entry.view.reason === reason) return entry;
  if (!keepsTools(status)) return namedServer({ name: entry.view.name, status }, reason);
  const { reason: _before, ...view } = entry.view;
  return {
    ...entry,
    view: { ...view, status, ...(reason === undefined ? {} : { reason }) },
    digest: digest(status, reason ?? '', entry.digest),
  };
}

/** The entry after this catalog. */
export function withCatalog(entry: ServerEntry | undefined, catalog: Catalog): ServerEntry {
  const { server: name, status, reason, offer } = catalog;
  if (offer === undefined || !keepsTools(status)) {
    return withStatus(entry ?? namedServer({ name, status }, reason), status, reason);
  }
  const { protocolVersion, serverInfo, capabilities, instructions } = offer;
  const tools = new Map<string, OfferedTool>();
  let bytes = 0;
  for (const tool of offer.tools) {
    const toolName = String(tool.name);
    // Two tools of one name cannot both be called; the first one counts, as with the server itself.
    if (tools.has(toolName) || tooDeep(tool, DEPTH_MAX)) continue;
    const text = JSON.stringify(tool);
    bytes += text.length;
    tools.set(toolName, { name: toolName, tool, digest: digest(text) });
  }
  const shallow = (value: Readonly<Record<string, unknown>>) => (tooDeep(value, DEPTH_MAX) ? {} : value);
  const about = {
    era: offer.era,
    protocolVersion,
    serverInfo: shallow(serverInfo),
    capabilities: shallow(capabilities),
    ...(instructions === undefined ? {} : { instructions }),
  };
  const aboutText = JSON.stringify(about);
  const list = [...tools.values()];
  return {
    view: {
      name,
      status,
      ...(reason === undefined ? {} : { reason }),
      ...about,
      ...NOTHING,
      tools: list.map(({ tool }) => tool),
    },
    tools: list,
    digest: digest(status, reason ?? '', aboutText, ...list.map((tool) => tool.digest)),
    bytes: bytes + aboutText.length,
    offered: { seq: 0, server: name, status, offer: { ...about, ...NOTHING, tools: list.map(({ tool }) => tool) } },
  };
}

function tooDeep(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  return Object.values(value).some((inner) => tooDeep(inner, depth - 1));
}

export function digest(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('base64url');
}
