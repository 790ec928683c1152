import type { Devices } from '../../devices/types.js';
import { AgentAnswer } from '../calls/agent-answer.js';
import type { Session } from './session.js';

/** Tells each agent that a session went to that it has ended: a server that runs for this session alone can end, too. */
export function tellAgents(devices: Devices, session: Session): void {
  const params = Buffer.from(JSON.stringify({ session: session.claims.sid }));
  for (const deviceId of session.devices) {
    const answer = new AgentAnswer();
    const target = { userId: session.userId, deviceId, server: '' };
    answer.started(devices.call(target, { method: 'agent/end-session', params, client: session.client }, answer));
  }
  session.devices.clear();
}
