import { type Member, members } from '../../../protocol/json-spans.js';

const COMMA = Buffer.from(',');
const OPEN = Buffer.from('{');
const CLOSE = Buffer.from('}');

/** The member of a request's params that says what it is about, which a local server knows under a name of its own. */
export type NamePath = readonly ['name'] | readonly ['uri'] | readonly ['taskId'] | readonly ['ref', 'name' | 'uri'];

/**
 * The params of a call as its local server is to see them: each member byte for byte as the client sent it, but the one
 * at `path`, and without `_meta.progressToken`, which every hop has its own of.
 *
 * @param params JSON text of the params object
 * @returns undefined when a member that is rewritten, or `_meta`, is not there just once: readers would not agree on
 * which one counts
 */
export function forwardParams(params: Buffer, path: NamePath, value: string): Buffer | undefined {
  const all = members(params, 0, params.length) ?? [];
  if (path.length === 1 && !all.some(({ name }) => name === '_meta')) return replacedIn(params, all, path[0], value);
  const metas = all.filter(({ name }) => name === '_meta');
  if (metas.length > 1) return undefined;
  const kept: Buffer[] = [];
  let found = 0;
  for (const member of all) {
    const key = params.subarray(member.keyStart, member.start);
    const text = params.subarray(member.start, member.end);
    if (member.name === path[0]) {
      found += 1;
      const renamed = path.length === 1 ? JSON.stringify(value) : replaced(text, path[1], value);
      if (renamed === undefined) return undefined;
      kept.push(Buffer.concat([key, Buffer.from(renamed)]));
    } else if (member.name === '_meta') {
      const meta = withoutToken(text);
      if (meta.length > 2) kept.push(Buffer.concat([key, meta]));
    } else kept.push(params.subarray(member.keyStart, member.end));
  }
  return found === 1 ? object(kept) : undefined;
}

/** The object with another value of its member `name`. */
function replaced(json: Buffer, name: string, value: string): Buffer | undefined {
  return replacedIn(json, members(json, 0, json.length) ?? [], name, value);
}

function replacedIn(json: Buffer, all: readonly Member[], name: string, value: string): Buffer | undefined {
  const [member, second] = all.filter((one) => one.name === name);
  if (member === undefined || second !== undefined) return undefined;
  return Buffer.concat([json.subarray(0, member.start), Buffer.from(JSON.stringify(value)), json.subarray(member.end)]);
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
