import type { CallClient } from '../../../protocol/call-messages.js';
import type { ClientProfile } from '../../../protocol/client-profiles.js';
import type { MergedList } from '../../devices/types.js';
import { builtInTools } from '../calls/built-in-tools.js';
import type { Shape } from '../json-rpc.js';
import { fitTool } from './fit-tool.js';
import { shapePrompt, shapeResource, shapeTool } from './list-shape.js';

export type ListMethod = 'tools/list' | 'prompts/list' | 'resources/list' | 'resources/templates/list';

export interface PageOptions {
  readonly client: CallClient;
  /** Of the client, where tools are listed. */
  readonly profile: ClientProfile | undefined;
  /** Whether results may be cut for clients that do not take them whole. */
  readonly fits: boolean;
  /** Of the page's first entry. */
  readonly offset: number;
  readonly size: number;
}

/** What one page of a list shows to a client, and whether there is a page behind it. */
export function pageEntries(
  list: MergedList,
  method: ListMethod,
  options: PageOptions,
): { readonly entries: readonly Shape[]; readonly more: boolean } {
  const { client, profile, fits, offset, size } = options;
  const { protocolVersion: version } = client;
  // Where nothing is ever cut there is nothing to read on.
  const readMore = fits && profile?.resultCharacters !== undefined;
  const builtIn = method === 'tools/list' ? builtInTools(version, readMore) : [];
  const end = offset + size;
  const span = [Math.max(0, offset - builtIn.length), Math.max(0, end - builtIn.length)] as const;
  const entries = [...builtIn.slice(offset, end), ...shapes(list, method, version, profile, span)];
  return { entries, more: end < builtIn.length + lengthOf(list) };
}

function shapes(
  list: MergedList,
  method: ListMethod,
  version: string,
  profile: ClientProfile | undefined,
  span: readonly [start: number, end: number],
): Shape[] {
  if ('tools' in list) {
    return list.tools.slice(...span).map((tool) => {
      const shaped = shapeTool(tool, version);
      return tool.fit ? fitTool(shaped, profile) : shaped;
    });
  }
  if ('prompts' in list) return list.prompts.slice(...span).map((prompt) => shapePrompt(prompt, version));
  const member = method === 'resources/list' ? 'uri' : 'uriTemplate';
  return list.resources.slice(...span).map((resource) => shapeResource(resource, version, member));
}

function lengthOf(list: MergedList): number {
  if ('tools' in list) return list.tools.length;
  return 'prompts' in list ? list.prompts.length : list.resources.length;
}
