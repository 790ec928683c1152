import type { Devices, DeviceView, ServerView } from '../devices/types.js';
import { type Endpoint, endpointPath, type ServerEndpoint } from './endpoint.js';

/** What an endpoint shows of its user's present devices. Names are compared as they stand, upper and lower case. */

/** All of them, or the one that the endpoint names, if it is there. */
export function devicesAt(devices: Devices, userId: string, endpoint: Endpoint): readonly DeviceView[] {
  const all = devices.devices(userId);
  return endpoint.kind === 'aggregate' ? all : all.filter(({ name }) => name === endpoint.device);
}

/** The server of a transparent endpoint, and the device it is on; undefined when either is not there. */
export function serverAt(
  devices: Devices,
  userId: string,
  endpoint: ServerEndpoint,
): { readonly device: DeviceView; readonly server: ServerView } | undefined {
  const [device] = devicesAt(devices, userId, endpoint);
  const server = device?.servers.find(({ name }) => name === endpoint.server);
  return device === undefined || server === undefined ? undefined : { device, server };
}

/** True when the endpoint is there for this user. */
export function isThere(devices: Devices, userId: string, endpoint: Endpoint): boolean {
  if (endpoint.kind === 'server') return serverAt(devices, userId, endpoint) !== undefined;
  return endpoint.kind === 'aggregate' || devicesAt(devices, userId, endpoint).length > 0;
}

/**
 * Says that an endpoint is not there and which ones are: the same for what nobody has and for what another user has.
 * @param audience RFC 8707 resource of the caller's token: endpoints it does not open are not named
 */
export function notThere(devices: Devices, userId: string, endpoint: Endpoint, audience: string): string {
  const asked = `/mcp/${endpointPath(endpoint)}`;
  const opened = new URL(audience).pathname;
  const known = devices
    .devices(userId)
    .flatMap(({ name, servers }) => [`/mcp/${name}`, ...servers.map((server) => `/mcp/${name}/${server.name}`)])
    .filter((path) => path === opened || path.startsWith(`${opened}/`))
    .toSorted();
  const what = known.length === 0 ? 'No device that your login opens is connected' : `You have: ${known.join(', ')}`;
  return `There is nothing at ${asked}. ${what}. A device is there while its agent runs: npx -y mcp-local-tunnel agent`;
}
