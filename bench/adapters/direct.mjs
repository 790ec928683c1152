import { Child, node, program } from '../lib/child.mjs';

/** The tool on a plain SDK server: no tunnel, no sign-in. */
export function direct() {
  let server;
  return {
    name: 'direct',
    async start() {
      server = new Child(node(program('direct-server')));
      const [url] = await server.line();
      return { url, tool: 'echo', pids: { server: server.pid } };
    },
    stop: async () => server?.stop(),
  };
}
