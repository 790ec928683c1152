import type { CallClient } from '../../../protocol/call-messages.js';
import { type HopMeta, isRecord, modernKey } from '../messages.js';
import type { AskPolicy } from '../types.js';

/** The one revision of the modern era, in every request's envelope. */
export const MODERN_REVISION = '2026-07-28';

const ELICITATION_SINCE = '2025-06-18';
const URL_ELICITATION_SINCE = '2025-11-25';
const UI = 'io.modelcontextprotocol/ui';
const TASKS = 'io.modelcontextprotocol/tasks';

type Capabilities = Readonly<Record<string, unknown>>;

/** What stands in `_meta` of every request to a modern server (MCP 2026-07-28 basic/index#meta). */
export function envelope(
  clientInfo: Readonly<Record<string, unknown>> | undefined,
  clientCapabilities: Capabilities,
  logLevel?: string,
): HopMeta {
  return {
    [modernKey('protocolVersion')]: MODERN_REVISION,
    [modernKey('clientInfo')]: clientInfo,
    [modernKey('clientCapabilities')]: clientCapabilities,
    [modernKey('logLevel')]: logLevel,
  };
}

/** What a modern server may count on for one client's request: what the client can do, less what does not get through to it. */
export function capabilitiesFor(client: CallClient, policy: AskPolicy): Capabilities {
  const { capabilities, era, endpoint, ask } = client;
  const { elicitation, sampling, roots: _roots, extensions, tasks: _tasks, ...others } = capabilities;
  // Capabilities that this agent does not know: only from a client of the same era, and only for the server alone.
  const unknown = endpoint === 'server' && era === 'modern' ? others : {};
  return {
    ...unknown,
    ...(endpoint === 'server' && isRecord(others.experimental) ? { experimental: others.experimental } : {}),
    ...(ask === 'none'
      ? {}
      : asked({ elicitation: elicitationFor(client, elicitation), roots: rootsFor(client, policy) })),
    ...(ask === 'none' || !policy.sampling ? {} : asked({ sampling })),
    ...asked({ extensions: extensionsFor(client, extensions) }),
  };
}

/** Without the ones that are no objects. */
function asked(capabilities: Capabilities): Capabilities {
  return Object.fromEntries(Object.entries(capabilities).filter(([, value]) => isRecord(value)));
}

/** Since 2025-11-25 a capability names its modes; the empty one of older revisions means forms. */
function elicitationFor({ era, protocolVersion }: CallClient, declared: unknown): unknown {
  if (!isRecord(declared) || era === 'modern') return declared;
  if (protocolVersion < ELICITATION_SINCE) return undefined;
  const url = protocolVersion >= URL_ELICITATION_SINCE && isRecord(declared.url) ? { url: declared.url } : {};
  const form = isRecord(declared.form) ? declared.form : {};
  return 'url' in url && !isRecord(declared.form) ? url : { form, ...url };
}

/** A client's own folders are not on this machine: only a client that talks to the server alone may know better. */
function rootsFor({ era, endpoint, capabilities }: CallClient, policy: AskPolicy): unknown {
  if (policy.roots !== undefined) return {};
  return era === 'modern' && endpoint === 'server' ? capabilities.roots : undefined;
}

/** The tasks of 2025-11-25 and the tasks extension are two things; what else a merged endpoint carries is known. */
function extensionsFor({ era, endpoint }: CallClient, declared: unknown): unknown {
  if (!isRecord(declared)) return undefined;
  const kept = Object.entries(declared).filter(
    ([id]) => (id !== TASKS || era === 'modern') && (endpoint === 'server' || id === UI || id === TASKS),
  );
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}
