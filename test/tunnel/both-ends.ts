import { expect } from 'vitest';
import type { CallAnswer, CallOutput } from '../../src/agent/calls/wire/running-call.js';
import type { CallLink } from '../../src/agent/calls/wire/running-calls.js';
import { RunningCalls } from '../../src/agent/calls/wire/running-calls.js';
import { encodeCall } from '../../src/protocol/call-messages.js';
import { AGENT_FRAMES, decodeFrame, RELAY_FRAMES } from '../../src/protocol/frames.js';
import { LinkSender } from '../../src/protocol/link-sender.js';
import type { Hello } from '../../src/protocol/messages.js';
import type { Call } from '../../src/relay/devices/call.js';
import { CallIds } from '../../src/relay/devices/call-ids.js';
import { DeviceCalls } from '../../src/relay/devices/device-calls.js';
import type { CallFailure } from '../../src/relay/devices/types.js';
import { type Ends, Wire } from './wire.js';

/** A call as the relay's client has it. */
interface Asked {
  readonly call: Call;
  readonly params: string;
  readonly events: string[];
  readonly asks: { readonly ask: number; readonly params: string }[];
  answer: string;
  owed: number;
  end: 'answer' | 'cancelled' | CallFailure | undefined;
  over: number;
}

/** A call as the agent's server has it. */
interface Run {
  readonly id: string;
  readonly params: string;
  readonly output: CallOutput;
  readonly events: string[];
  readonly replies: string[];
  asked: number;
  result: string | undefined;
  readonly finish: (answer: CallAnswer) => void;
}

const HEAD = {
  server: 's',
  method: 'tools/call',
  client: {
    era: 'legacy',
    protocolVersion: '2025-11-25',
    endpoint: 'aggregate',
    id: 'c',
    session: 'c',
    capabilities: {},
    ask: 'push',
  },
} as const;
const NEVER = new AbortController().signal;

/** A relay's and an agent's calls, and links between them that are cut wherever a test says. */
export class BothEnds {
  readonly #ids = new CallIds();
  readonly #relay = new DeviceCalls();
  readonly #asked = new Map<string, Asked>();
  readonly #runs: Run[] = [];
  /** Frames that have arrived. */
  #moved = 0;
  readonly #agent = new RunningCalls((_head, params, output) => this.#run(params, output));
  #link: Ends | undefined = this.#connect();

  call(_which: number, size: number): void {
    if (this.#asked.size > 20) return;
    const id = this.#ids.next();
    const params = JSON.stringify({ id, x: 'p'.repeat(size) });
    const asked: Omit<Asked, 'call'> = { params, events: [], asks: [], answer: '', owed: 0, end: undefined, over: 0 };
    const told = asked as Asked;
    const call = this.#relay.begin({
      id,
      body: encodeCall(HEAD, Buffer.from(params)),
      lasting: false,
      deviceName: 'd',
      resultBytes: 1e9,
      callMs: 1e9,
      callMaxMs: 1e9,
      ended: () => {
        told.over += 1;
      },
      sink: {
        event: (json) => {
          expect(told.end).toBeUndefined();
          told.events.push(json.toString());
          told.owed += json.length;
        },
        piece: (_kind, bytes, last) => {
          expect(told.end).toBeUndefined();
          told.answer += bytes.toString();
          told.owed += bytes.length;
          if (last) told.end = 'answer';
        },
        ask: ({ ask, params: of }) => void told.asks.push({ ask, params: of.toString() }),
        withdraw: () => undefined,
        fail: (failure) => {
          expect(told.end).toBeUndefined();
          told.end = failure;
        },
      },
    });
    this.#asked.set(id, Object.assign(told, { call }));
  }

  event(which: number, size: number): void {
    const run = this.#pick(which);
    if (run === undefined) return;
    const json = JSON.stringify(`event ${run.events.length} ${'e'.repeat(size)}`);
    run.events.push(json);
    run.output.event(Buffer.from(json), false);
  }

  ask(which: number, size: number): void {
    const run = this.#pick(which);
    if (run === undefined || run.asked >= 8) return;
    run.asked += 1;
    const params = JSON.stringify(`ask ${run.asked} ${'q'.repeat(size)}`);
    run.output.ask('elicitation/create', Buffer.from(params), NEVER).then(
      (reply) =>
        void run.replies.push(`${params}: ${reply.kind === 'result' ? Buffer.from(reply.json).toString() : 'error'}`),
      () => undefined,
    );
  }

  answer(which: number, size: number): void {
    const open = [...this.#asked.values()].filter(({ asks }) => asks.length > 0);
    const asked = open[which % open.length];
    const question = asked?.asks.shift();
    if (question === undefined) return;
    asked?.call.answer(
      question.ask,
      'result',
      Buffer.from(JSON.stringify(`to ${question.params.slice(1, 6)}${'a'.repeat(size)}`)),
    );
  }

  finish(which: number, size: number): void {
    const run = this.#pick(which);
    if (run === undefined) return;
    run.result = JSON.stringify(`result ${'r'.repeat(size)}`);
    run.finish({ kind: 'result', json: Buffer.from(run.result) });
  }

  cancel(which: number): void {
    const open = [...this.#asked.values()].filter(({ end }) => end === undefined);
    const asked = open[which % open.length];
    if (asked === undefined) return;
    asked.end = 'cancelled';
    asked.call.cancel('test');
  }

  read(which: number): void {
    const all = [...this.#asked.values()].filter(({ owed }) => owed > 0);
    const asked = all[which % all.length];
    if (asked === undefined) return;
    const { owed } = asked;
    asked.owed = 0;
    asked.call.consumed(owed);
  }

  kernel(which: number): void {
    (which % 2 === 0 ? this.#link?.toAgent : this.#link?.toRelay)?.take(1 + (which % 7));
  }

  deliver(which: number): void {
    const link = this.#link;
    if (link === undefined) return;
    this.kernel(which);
    if (which % 2 === 0) this.#toAgent(link, 1 + (which % 5));
    else this.#toRelay(link, 1 + (which % 5));
  }

  ping(): void {
    const link = this.#link;
    if (link === undefined) return;
    this.#agent.mark(link.agent.sender);
    link.toRelay.mark('ping');
  }

  /** The link is lost with all that is on it, and there is another. */
  cut(which: number): void {
    const old = this.#link;
    if (old !== undefined) {
      this.#relay.detach();
      old.relay.close();
      // Of what was on its way some still comes.
      this.#toAgent(old, which % 4);
      this.#agent.detach(old.agent.sender);
      old.agent.sender.close();
    }
    this.#link = which % 3 === 0 ? undefined : this.#connect();
  }

  /** Another link takes over while the old one is open. */
  renew(which: number): void {
    const old = this.#link;
    if (old === undefined) {
      this.#link = this.#connect();
      return;
    }
    const offered = this.#agent.resumable(new Set());
    old.toAgent.take(which % 5);
    this.#toAgent(old, which % 5);
    this.#relay.detach();
    old.relay.close();
    this.#toAgent(old, which % 3);
    this.#link = this.#connect(offered);
    // With the welcome the agent closes the old one, and reads nothing more of it (Connection.close).
    this.#agent.detach(old.agent.sender);
    old.agent.sender.close();
  }

  async comeToRest(settled: () => Promise<void>): Promise<void> {
    this.#link ??= this.#connect();
    for (let quiet = 0; quiet < 3; quiet += 1) {
      const before = this.#moved;
      for (let n = 0; n < 50; n += 1) this.answer(n, 3);
      for (let n = 0; n < 50; n += 1) this.finish(n, 10);
      for (let n = 0; n < 50; n += 1) this.read(0);
      this.#link.toAgent.take(1e6);
      this.#link.toRelay.take(1e6);
      this.#toAgent(this.#link, 1e6);
      await settled();
      this.#toRelay(this.#link, 1e6);
      await settled();
      if (this.#moved > before) quiet = -1;
    }
    this.ping();
    for (let round = 0; round < 3; round += 1) {
      this.#toRelay(this.#link, 1e6);
      this.#link.toAgent.take(1e6);
      this.#toAgent(this.#link, 1e6);
      await settled();
    }
  }

  check(): void {
    for (const [id, { end, over, params, events, answer }] of this.#asked) {
      const runs = this.#runs.filter((run) => run.id === id);
      expect(runs.length).toBeLessThanOrEqual(1);
      expect(over).toBe(1);
      const [run] = runs;
      if (run !== undefined) {
        expect(run.params === params).toBe(true);
        expect(events.every((event, index) => event === run.events[index])).toBe(true);
      }
      if (end === 'cancelled') continue;
      expect(end).toBe('answer');
      expect(events.length).toBe(run?.events.length);
      expect(answer === run?.result).toBe(true);
      for (const reply of run?.replies ?? []) expect(reply).toMatch(/^"(ask \d).*: "to \1/s);
      expect(new Set(run?.replies).size).toBe(run?.replies.length);
    }
    expect(this.#agent.running).toBe(0);
    expect(this.#agent.resumable(new Set())).toEqual([]);
    expect(this.#agent.heldBytes('s')).toBe(0);
    expect(this.#relay.running).toBe(0);
  }

  #pick(which: number): Run | undefined {
    const open = this.#runs.filter(({ result, output }) => result === undefined && !output.signal.aborted);
    return open[which % open.length];
  }

  #run(params: Buffer, output: CallOutput): Promise<CallAnswer> {
    return new Promise((finish) => {
      const text = params.toString();
      const { id }: { id: string } = JSON.parse(text);
      this.#runs.push({ id, params: text, output, events: [], replies: [], asked: 0, result: undefined, finish });
    });
  }

  #connect(offered = this.#agent.resumable(new Set())): Ends {
    const [toAgent, toRelay] = [new Wire(), new Wire()];
    const relay = new LinkSender(toAgent.write);
    const agent: CallLink = { sender: new LinkSender(toRelay.write), checkpoint: () => undefined };
    const hello: Pick<Hello, 'calls'> = { calls: offered };
    const taken = this.#relay.taken(hello as Hello);
    // The welcome is the first that comes, and says this.
    this.#agent.attach(agent, offered, taken);
    this.#relay.attach(relay, taken);
    return { toAgent, toRelay, relay, agent };
  }

  #toAgent(link: Ends, count: number): void {
    for (const packet of link.toAgent.way.splice(0, count)) {
      this.#moved += 1;
      if (packet === 'pong') this.#agent.delivered(link.agent.sender);
      else if (packet !== 'ping') this.#agent.frame(decodeFrame(packet, RELAY_FRAMES), link.agent);
    }
  }

  #toRelay(link: Ends, count: number): void {
    for (const packet of link.toRelay.way.splice(0, count)) {
      this.#moved += 1;
      if (packet === 'ping') link.toAgent.mark('pong');
      else if (packet !== 'pong') this.#relay.frame(decodeFrame(packet, AGENT_FRAMES));
    }
  }
}
