import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CallAnswer, CallOutput } from '../../src/agent/calls/wire/running-call.js';
import { RunningCalls } from '../../src/agent/calls/wire/running-calls.js';
import type { AskReply } from '../../src/agent/servers/types.js';
import { OPEN_ASKS } from '../../src/protocol/call-messages.js';
import { AGENT_FRAMES, decodeFrame, RELAY_FRAMES } from '../../src/protocol/frames.js';
import { LinkSender } from '../../src/protocol/link-sender.js';
import type { Call } from '../../src/relay/devices/call.js';
import { callBody } from '../../src/relay/devices/call-body.js';
import { CallIds } from '../../src/relay/devices/call-ids.js';
import { DeviceCalls } from '../../src/relay/devices/device-calls.js';
import { HELLO } from './fake-agent.js';
import { request, TestSink } from './sink.js';

/** One link between the two ends, whose frames arrive when the test says so; like a socket, it has taken a copy of them. */
class Wire {
  readonly toRelay: Buffer[] = [];
  readonly toAgent: Buffer[] = [];
  readonly relay = new LinkSender((frame, done) => {
    this.toAgent.push(Buffer.from(frame));
    done();
  });
  readonly agent = {
    sender: new LinkSender((frame, done) => {
      this.toRelay.push(Buffer.from(frame));
      done();
    }),
    checkpoint: () => undefined,
  };
}

interface Asked {
  readonly withdraw: AbortController;
  /** What the server got: the text of the answer, or why there is none. */
  got?: string;
}

/** A relay's and an agent's half of one call, without sockets between them. */
class BothEnds {
  readonly sink = new TestSink();
  readonly asked: Asked[] = [];
  /** What the client said to each question. */
  readonly said = new Map<number, string>();
  #wire = new Wire();
  /** Closed by neither end yet, read by the agent only. */
  #old: Wire | undefined;
  readonly #calls = new DeviceCalls();
  readonly #call: Call;
  #output: CallOutput | undefined;
  #bytes = 0;
  #finish: (answer: CallAnswer) => void = () => undefined;
  readonly #running = new RunningCalls(
    (_head, _params, output) =>
      new Promise((resolve) => {
        this.#output = output;
        this.#finish = resolve;
      }),
  );

  constructor() {
    this.#connect(this.#wire);
    this.#call = this.#calls.begin({
      id: new CallIds().next(),
      body: callBody('shell', request()),
      lasting: false,
      sink: this.sink,
      deviceName: 'laptop',
      resultBytes: 64 * 1024 * 1024,
      callMs: 60_000,
      callMaxMs: 60_000,
      ended: () => undefined,
    });
    this.sink.taken = (bytes) => this.#call.consumed(bytes);
  }

  ask(bytes: number): void {
    this.#bytes += bytes;
    // Beyond these the agent refuses; see OpenQuestions.
    if (this.#output === undefined || this.#bytes > 7_000_000 || this.asked.length === OPEN_ASKS) return;
    const params = Buffer.from(`{"q":${this.asked.length},"x":"${'q'.repeat(bytes)}"}`);
    const asked: Asked = { withdraw: new AbortController() };
    this.asked.push(asked);
    this.#output.ask('elicitation/create', params, asked.withdraw.signal).then(
      (reply: AskReply) => {
        if (asked.got !== undefined) throw new Error('answered twice');
        asked.got = reply.kind === 'result' ? Buffer.from(reply.json).toString() : reply.error.message;
      },
      () => {
        asked.got = 'taken back';
      },
    );
  }

  event(): void {
    this.#output?.event(Buffer.from('{"method":"notifications/progress"}'), false);
  }

  withdraw(nth: number): void {
    this.asked[nth % Math.max(1, this.asked.length)]?.withdraw.abort(new Error('taken back'));
  }

  answer(nth: number, bytes: number): void {
    const [ask] = [...this.sink.open.keys()].slice(nth % Math.max(1, this.sink.open.size));
    if (ask === undefined) return;
    const text = `{"a":${ask},"x":"${'a'.repeat(bytes)}"}`;
    this.said.set(ask, text);
    this.sink.open.delete(ask);
    this.#call.answer(ask, 'result', Buffer.from(text));
  }

  deliver(toRelay: number, toAgent: number): void {
    for (const data of this.#wire.toRelay.splice(0, toRelay)) this.#calls.frame(decodeFrame(data, AGENT_FRAMES));
    for (const wire of [this.#old, this.#wire]) {
      if (wire === undefined) continue;
      const frames = wire.toAgent.splice(0, toAgent);
      for (const data of frames) this.#running.frame(decodeFrame(data, RELAY_FRAMES), wire.agent);
    }
  }

  /** The link is cut with what is on it, and another one is opened. */
  lose(): void {
    for (const wire of [this.#old, this.#wire]) {
      if (wire === undefined) continue;
      this.#running.detach(wire.agent.sender);
      wire.agent.sender.close();
      wire.relay.close();
    }
    this.#old = undefined;
    this.#calls.detach();
    this.#wire = new Wire();
    this.#connect(this.#wire);
  }

  /** The agent's token ends: it opens a second link, and reads the first one to its end. */
  renew(): void {
    if (this.#old !== undefined) this.#running.detach(this.#old.agent.sender);
    const old = this.#wire;
    this.#calls.detach();
    old.relay.close();
    this.#old = old;
    this.#wire = new Wire();
    this.#connect(this.#wire);
  }

  /** Everything arrives, every question left is answered, and the call ends. */
  async end(): Promise<void> {
    await this.#quiet();
    while (this.sink.open.size > 0) this.answer(0, 3);
    await this.#quiet();
    this.#finish({ kind: 'result', json: Buffer.from('{}') });
    await this.#quiet();
  }

  async #quiet(): Promise<void> {
    for (let idle = 0; idle < 2; idle++) {
      while (this.#wire.toRelay.length + this.#wire.toAgent.length > 0) {
        this.deliver(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
        idle = 0;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #connect(wire: Wire): void {
    const offered = this.#running.resumable(new Set());
    const taken = this.#calls.taken({ ...HELLO, calls: offered });
    this.#calls.attach(wire.relay, taken);
    this.#running.attach(wire.agent, offered, taken);
  }
}

const small = fc.nat(200);
/** Now and then larger than a frame, and than the whole window. */
const size = fc.oneof({ weight: 6, arbitrary: small }, { weight: 2, arbitrary: fc.nat(400_000) });
const step = fc.oneof(
  { weight: 4, arbitrary: size.map((bytes) => (ends: BothEnds) => ends.ask(bytes)) },
  { weight: 2, arbitrary: fc.constant((ends: BothEnds) => ends.event()) },
  { weight: 2, arbitrary: fc.nat(20).map((nth) => (ends: BothEnds) => ends.withdraw(nth)) },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.nat(20), size).map(
      ([nth, bytes]) =>
        (ends: BothEnds) =>
          ends.answer(nth, bytes),
    ),
  },
  {
    weight: 12,
    arbitrary: fc.tuple(fc.nat(6), fc.nat(6)).map(
      ([up, down]) =>
        (ends: BothEnds) =>
          ends.deliver(up, down),
    ),
  },
  { weight: 2, arbitrary: fc.constant((ends: BothEnds) => ends.lose()) },
  { weight: 2, arbitrary: fc.constant((ends: BothEnds) => ends.renew()) },
);

test('every question is put once and answered once, whatever the links do', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }), async (steps) => {
      const ends = new BothEnds();
      ends.deliver(0, 1);
      for (const one of steps) one(ends);
      await ends.end();
      expect(await ends.sink.answer()).toBe('{}');
      // Each came to the client once, in order, whole.
      expect(ends.sink.asked).toEqual(ends.asked.map((_asked, index) => index + 1));
      ends.asked.forEach((asked, index) => {
        const taken = asked.withdraw.signal.aborted;
        const said = ends.said.get(index + 1);
        // A question that was taken back after its answer had arrived keeps the answer.
        if (!taken) expect(asked.got).toBe(said);
        else expect(['taken back', said]).toContain(asked.got);
        expect(asked.got).toBeDefined();
      });
    }),
    { numRuns: 150 },
  );
}, 60_000);
