import type { Endpoint } from '../endpoint.js';
import { isShape, type Shape } from '../json-rpc.js';
import { type LegacyVersion, since } from '../protocol-versions.js';

/**
 * Of what a client declared in `initialize` what its revision has and the tunnel carries. A mode that a revision does
 * not know would be promised to servers of a later one.
 */
export function carriedClientCapabilities(declared: Shape, version: LegacyVersion, endpoint: Endpoint): Shape {
  const { elicitation, sampling, tasks, ...rest } = declared;
  const latest = since(version, '2025-11-25');
  return {
    ...rest,
    ...(isShape(elicitation) && since(version, '2025-06-18')
      ? { elicitation: latest ? elicitation : without(elicitation, 'url') }
      : {}),
    ...(isShape(sampling) ? { sampling: latest ? sampling : without(sampling, 'tools', 'context') } : {}),
    // A task's later answers find their way at a transparent endpoint alone.
    ...(isShape(tasks) && latest && endpoint.kind === 'server' ? { tasks } : {}),
  };
}

/** The same for a request that has no way back for questions. */
export function unasked(capabilities: Shape): Shape {
  return without(capabilities, 'elicitation', 'sampling', 'roots');
}

/** The members but these. */
export function without(value: Shape, ...names: readonly string[]): Shape {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}
