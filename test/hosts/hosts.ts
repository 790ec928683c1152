import { join } from 'node:path';

const bin = (name: string) =>
  join(import.meta.dirname, 'node_modules/.bin', process.platform === 'win32' ? `${name}.cmd` : name);

/** Each host program's command, as its own package installs it. */
export const hosts = { opencode: bin('opencode'), claude: bin('claude') };

/** MCP clients that start no agent. */
export const clients = { mcpRemote: bin('mcp-remote'), mcpCli: bin('mcp-cli') };
