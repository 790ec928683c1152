import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hosts } from './hosts.js';
import type { Place } from './place.js';
import type { Running } from './running.js';

/** opencode without its window: a server that keeps the MCP servers of its project up. */
export class OpencodeSession {
  private constructor(
    readonly running: Running,
    private readonly url: string,
  ) {}

  static async start(place: Place, project: string): Promise<OpencodeSession> {
    const running = place.start(project, hosts.opencode, ['serve', '--port', '0']);
    const [url] = await running.says(/http:\/\/127\.0\.0\.1:\d+/);
    return new OpencodeSession(running, url);
  }

  async status(server: string): Promise<string | undefined> {
    const response = await fetch(`${this.url}/mcp`);
    const servers = (await response.json()) as Record<string, { readonly status: string } | undefined>;
    return servers[server]?.status;
  }

  /** Leaves in order; it ends every process below it. */
  leave(): Promise<void> {
    return this.running.kill('SIGTERM');
  }
}

/** opencode.json of a project. */
export async function configureOpencode(place: Place, project: string, config: object): Promise<void> {
  await writeFile(join(place.project(project), 'opencode.json'), JSON.stringify(config));
}
