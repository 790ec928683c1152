import { members } from '../../protocol/json-spans.js';

const COMMA = Buffer.from(',');
const OPEN = Buffer.from('{');
const CLOSE = Buffer.from('}');

/**
 * The params of a call as its local server is to see them: each member byte for byte as the client sent it, but `name`,
 * and without `_meta.progressToken`, which every hop has its own of.
 *
 * @param params JSON text of the params object
 * @returns undefined when `name` or `_meta` is there twice: readers would not agree on which one counts
 */
export function forwardParams(params: Buffer, name: string): Buffer | undefined {
  let names = 0;
  let metas = 0;
  const kept: Buffer[] = [];
  for (const member of members(params, 0, params.length) ?? []) {
    if (member.name === 'name') {
      names += 1;
      kept.push(Buffer.from(`"name":${JSON.stringify(name)}`));
    } else if (member.name === '_meta') {
      metas += 1;
      const meta = withoutToken(params.subarray(member.start, member.end));
      if (meta.length > 2) kept.push(Buffer.concat([params.subarray(member.keyStart, member.start), meta]));
    } else kept.push(params.subarray(member.keyStart, member.end));
  }
  return names === 1 && metas <= 1 ? object(kept) : undefined;
}

function withoutToken(meta: Buffer): Buffer {
  const all = members(meta, 0, meta.length) ?? [];
  const kept = all.filter((member) => member.name !== 'progressToken');
  return kept.length === all.length ? meta : object(kept.map((member) => meta.subarray(member.keyStart, member.end)));
}

function object(parts: readonly Buffer[]): Buffer {
  const pieces = parts.flatMap((part, index) => (index === 0 ? [part] : [COMMA, part]));
  return Buffer.concat([OPEN, ...pieces, CLOSE]);
}
