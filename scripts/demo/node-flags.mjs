const started = new Map();

/**
 * What Node is given beside a program: nothing, or, where MCP_LOCAL_TUNNEL_PROFILE names a folder (the benchmark does), to
 * write its profile there when it ends, as `<role>.cpuprofile`; of the second program of a role as `<role>-2.cpuprofile`.
 */
export function nodeFlags(role) {
  const { MCP_LOCAL_TUNNEL_PROFILE: folder } = process.env;
  if (folder === undefined) return [];
  const count = (started.get(role) ?? 0) + 1;
  started.set(role, count);
  const name = count === 1 ? role : `${role}-${count}`;
  return ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}.cpuprofile`];
}
