import { fileURLToPath } from 'node:url';
import { System } from '../helpers/system.js';
import type { MatrixClient } from './client.js';
import { LegacyClient } from './legacy-client.js';
import { ModernClient } from './modern-client.js';

/** Of both servers' roots, from the agent's config. */
export const ROOT = fileURLToPath(new URL('.', import.meta.url)).replace(/[\\/]$/, '');
export const WATCHED = 'test://watched-resource';

export type Era = 'L' | 'M';

/** A client of one era and an endpoint where a server of one era stands. */
export interface Cell {
  readonly id: string;
  readonly client: Era;
  readonly server: Era;
  /** `/mcp`: the user's, with every server. Otherwise the server's own. */
  readonly endpoint: 'merged' | 'transparent';
}

export const CELLS: readonly Cell[] = (['LL', 'LM', 'ML', 'MM'] as const).flatMap((id) =>
  (['transparent', 'merged'] as const).map((endpoint) => ({
    id,
    client: id.startsWith('L') ? ('L' as const) : ('M' as const),
    server: id.endsWith('L') ? ('L' as const) : ('M' as const),
    endpoint,
  })),
);

const NAMES: Readonly<Record<Era, string>> = { L: 'old', M: 'new' };
const FIXTURES: Readonly<Record<Era, string>> = { L: 'legacy', M: 'modern' };

/** A relay, one agent with a server of each era, and a client of a cell. */
export class Place implements AsyncDisposable {
  private constructor(readonly system: System) {}

  static async open(): Promise<Place> {
    const system = await System.start();
    const server = (era: Era) => {
      const path = fileURLToPath(new URL(`../fixtures/everything-${FIXTURES[era]}.mjs`, import.meta.url));
      return { command: [process.execPath, path, '--stdio'], sampling: true, roots: [ROOT] };
    };
    try {
      await system.agent({ servers: { old: server('L'), new: server('M') } });
    } catch (error) {
      await system[Symbol.asyncDispose]();
      throw error;
    }
    return new Place(system);
  }

  url({ server, endpoint }: Cell): string {
    return endpoint === 'merged' ? this.system.endpoint : `${this.system.endpoint}/laptop/${NAMES[server]}`;
  }

  async client(cell: Cell): Promise<MatrixClient> {
    const kind = cell.client === 'L' ? LegacyClient : ModernClient;
    return kind.connect(this.url(cell), await this.system.token());
  }

  /** One message to an endpoint, with nothing an SDK would add or take away. @param path what follows /mcp */
  async post(path: string, message: object, headers: Readonly<Record<string, string>>) {
    const response = await fetch(`${this.system.endpoint}${path}`, {
      method: 'POST',
      headers: {
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${await this.system.token()}`,
        'content-type': 'application/json',
        ...headers,
      },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    });
    const text = await response.text();
    const session = response.headers.get('mcp-session-id') ?? '';
    const answer = text === '' ? undefined : JSON.parse(text.replace(/^[\s\S]*\ndata: (?=\{)/, ''));
    return { status: response.status, session, answer };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.system[Symbol.asyncDispose]();
  }
}

/** A name of the cell's server as its endpoint has it. */
export function named({ server, endpoint }: Cell, name: string): string {
  return endpoint === 'merged' ? `${NAMES[server]}__${name}` : name;
}

/** A URI of the cell's server as its endpoint has it (checklist §3.12). */
export function located({ server, endpoint }: Cell, uri: string): string {
  if (endpoint !== 'merged') return uri;
  const key = `laptop.${NAMES[server]}`;
  return uri.startsWith('ui://') ? `ui://${key}+${uri.slice('ui://'.length)}` : `${key}+${uri}`;
}
