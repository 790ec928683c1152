import type { AskPolicy } from '../types.js';

/**
 * What a legacy server is told that its client can do. One session serves many clients, so it is all that any of them
 * may be able to; whom that does not fit is protected question by question (`attribution.ts`). Tasks of the client's own
 * are never among it.
 */
export function legacyCapabilities(policy: AskPolicy): Readonly<Record<string, unknown>> {
  return {
    elicitation: { form: {}, url: {} },
    ...(policy.sampling ? { sampling: { tools: {}, context: {} } } : {}),
    ...(policy.roots === undefined ? {} : { roots: {} }),
    // Servers offer their MCP Apps only to who shows them; the others read the text beside (ext-apps).
    extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app'] } },
  };
}
