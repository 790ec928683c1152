import { afterEach, beforeEach, expect } from 'vitest';
import { fill } from './endpoint-devices.js';
import { startTestRelay, type TestRelay } from './test-relay.js';

/**
 * Gives each test of the file a relay of its own with the devices of endpoint-devices.ts, and ends it: without an error
 * in its log, and without a call that the test has not looked at.
 * @param use takes the relay, and makes what else each test begins with
 */
export function relayOfEachTest(use: (relay: TestRelay) => void | Promise<void>): void {
  let relay: TestRelay;
  beforeEach(async () => {
    relay = await startTestRelay();
    fill(relay.devices);
    await use(relay);
  });
  afterEach(async () => {
    expect(relay.log.errors).toEqual([]);
    expect(relay.devices.waiting).toBe(0);
    await relay[Symbol.asyncDispose]();
  });
}
