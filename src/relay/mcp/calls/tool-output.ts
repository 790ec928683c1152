import type { Shape } from '../json-rpc.js';
import { since } from '../protocol-versions.js';

/** What a tool of the relay's own has to say: text for people and models, and the same as data. */
export interface ToolOutput {
  readonly text: string;
  readonly structured: Shape;
  readonly isError?: boolean;
}

/** JSON text of the result of tools/call. */
export function toolResult({ text, structured, isError }: ToolOutput, version: string): string {
  return JSON.stringify({
    content: [{ type: 'text', text }],
    ...(since(version, '2025-06-18') ? { structuredContent: structured } : {}),
    ...(isError === true ? { isError } : {}),
  });
}
