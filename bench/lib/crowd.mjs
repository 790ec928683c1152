import { fork } from 'node:child_process';
import { program } from './child.mjs';

const PER_PROCESS = 1250;

/** Many agents in a few processes, on the agent's own link: they greet, offer tools, answer calls and pings, and dial again. */
export class Crowd {
  #children = [];
  /** When each link came up, ms since the epoch. */
  #ups = [];
  #online = 0;
  #wake = () => {};

  constructor(url) {
    this.url = url;
  }

  /** @param agents `[{token, name, tools}]` @returns once all are online */
  async join(agents) {
    const want = this.#online + agents.length;
    for (let from = 0; from < agents.length; from += PER_PROCESS) {
      const child = fork(program('crowd'));
      child.on('message', (news) => this.#news(news));
      child.send({ relay: this.url, agents: agents.slice(from, from + PER_PROCESS) });
      this.#children.push(child);
    }
    await this.online(want);
  }

  /** Waits until this many are online. */
  async online(count) {
    while (this.#online < count) {
      await new Promise((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Waits until no more than this many are. */
  async offline(count) {
    while (this.#online > count) {
      await new Promise((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** @returns the most links that came up within any second since `from` (ms since the epoch) */
  mostInASecond(from) {
    const ups = this.#ups.filter((up) => up >= from).sort((a, b) => a - b);
    let most = 0;
    for (let first = 0, last = 0; last < ups.length; last += 1) {
      while (ups[last] - ups[first] >= 1000) first += 1;
      most = Math.max(most, last - first + 1);
    }
    return most;
  }

  async leave() {
    const ended = this.#children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all(ended);
    this.#children = [];
  }

  #news({ ups, downs }) {
    this.#ups.push(...ups);
    this.#online += ups.length - downs;
    this.#wake();
  }
}
