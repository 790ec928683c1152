import { Client } from './client.mjs';
import { Elapsed } from './elapsed.mjs';

const MINUTE = 60_000;

/** One run of the benchmark: the systems it compares, started when first asked for, and what was found. */
export class Run {
  /** key → number, for the targets. */
  facts = {};
  tables = [];
  notes = [];
  #adapters;
  #started = new Map();
  #elapsed = new Elapsed();

  /** @param short as little as shows that it works */
  constructor(adapters, short) {
    this.#adapters = adapters;
    this.short = short;
    this.rounds = short ? 1 : 3;
  }

  async scenario({ name, run }) {
    console.log(`\n${name}`);
    this.#elapsed.start(name);
    // Something that never comes would otherwise be waited for without end.
    const most = this.short ? 3 * MINUTE : 45 * MINUTE;
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${name} hangs`)), most);
    });
    await Promise.race([run(this), late]).finally(() => {
      clearTimeout(timer);
      this.#elapsed.stop();
    });
    console.log(`(${this.#elapsed.seconds.toFixed(1)} s)`);
  }

  /** Every system, each with a client that has begun its session. */
  async systems() {
    const systems = [];
    for (const { name } of this.#adapters) systems.push(await this.system(name));
    return systems;
  }

  async system(name) {
    const there = this.#started.get(name);
    if (there !== undefined) return there.system;
    const adapter = this.#adapters.find((one) => one.name === name);
    this.#started.set(name, { adapter });
    const started = await adapter.start();
    const client = new Client(started);
    const system = { ...started, name, client, largestMiB: adapter.largestMiB };
    this.#started.set(name, { adapter, system });
    await client.open();
    return system;
  }

  async stop() {
    const started = [...this.#started.values()];
    this.#started.clear();
    for (const { adapter, system } of started) {
      system?.client.close();
      await adapter.stop();
    }
  }

  fact(key, value) {
    this.facts[key] = value;
  }

  /** @param rows of the same columns */
  table(title, rows) {
    this.tables.push({ title, rows });
    this.#elapsed.clear();
    console.log(title);
    console.table(rows);
  }

  note(text) {
    this.notes.push(text);
    this.#elapsed.clear();
    console.log(text);
  }
}
