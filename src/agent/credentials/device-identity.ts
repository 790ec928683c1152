import { randomBytes } from 'node:crypto';
import type { AgentConfig } from '../../config/config.js';
import { ensureStateDirs, readPrivateFile, writePrivateFile } from '../../config/paths.js';
import { withFileLock } from './file-lock.js';

export interface DeviceIdentity {
  /** 128 random bits in hex, made once per profile: by it the relay tells a machine that comes back from another one. */
  readonly machineId: string;
}

/** This machine's identity for this profile; made and kept on first use. @throws PrivatePathError */
export async function deviceIdentity(config: AgentConfig): Promise<DeviceIdentity> {
  const { device, lock } = await ensureStateDirs(config);
  const known = decode(await readPrivateFile(device));
  if (known !== undefined) return known;
  return withFileLock(`${lock}-device`, new AbortController().signal, async () => {
    const made = decode(await readPrivateFile(device));
    if (made !== undefined) return made;
    const identity = { machineId: randomBytes(16).toString('hex') };
    await writePrivateFile(device, JSON.stringify(identity));
    return identity;
  });
}

function decode(text: string | undefined): DeviceIdentity | undefined {
  const machineId = text === undefined ? undefined : /^\{"machineId":"([0-9a-f]{32})"\}$/.exec(text)?.[1];
  return machineId === undefined ? undefined : { machineId };
}
