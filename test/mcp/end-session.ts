import { expect } from 'vitest';
import type { RawClient } from './raw-client.js';
import type { TestDevices } from './test-devices.js';

/** Ends the session, and answers the agents that are told of it. */
export async function endSession(client: RawClient, devices: TestDevices, agents = 1): Promise<void> {
  const ending = client.send('DELETE');
  for (let count = 0; count < agents; count += 1) {
    let call = await devices.next();
    while (call.request.method !== 'agent/end-session') call = await devices.next();
    call.result('{}');
  }
  expect((await ending).status).toBe(204);
}
