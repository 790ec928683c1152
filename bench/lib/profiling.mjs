import { mkdir, writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';

/** Profiles the load generator, which is this process. @returns what ends that and writes `load.cpuprofile` */
export async function profileLoad(folder) {
  await mkdir(folder, { recursive: true });
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
  return async () => {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    await writeFile(join(folder, 'load.cpuprofile'), JSON.stringify(profile));
  };
}
