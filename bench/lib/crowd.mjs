import { fork } from 'node:child_process';
import { program } from './child.mjs';

const PER_PROCESS = 1250;

/** Many agents in a few processes, on the agent's own link: they greet, offer tools, answer calls and pings, and dial again. */
export class Crowd {
  #children = [];
  /** When each link came up, ms since the epoch. */
  #ups = [];
  /** When an upgrade was answered 503, likewise. */
  #refused = [];
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

  /** Waits until this many links have come up since `from` (ms since the epoch). */
  async back(count, from) {
    while (this.#ups.filter((at) => at >= from).length < count) {
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

  /** Cuts every link, as a network does that goes away for a moment. */
  cut() {
    for (const child of this.#children) child.send({ cut: true });
  }

  /**
   * @param from ms since the epoch
   * @returns of any second since then: the most links that came up, the most upgrades that were answered, 503 or 101;
   *   and how many were 503 in all
   */
  since(from) {
    const ups = this.#ups.filter((at) => at >= from);
    const refused = this.#refused.filter((at) => at >= from);
    return { links: mostInASecond(ups), answers: mostInASecond([...ups, ...refused]), refused: refused.length };
  }

  async leave() {
    const ended = this.#children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all(ended);
    this.#children = [];
  }

  #news({ ups, refused, downs }) {
    this.#ups.push(...ups);
    this.#refused.push(...refused);
    this.#online += ups.length - downs;
    this.#wake();
  }
}

function mostInASecond(moments) {
  const sorted = moments.sort((a, b) => a - b);
  let most = 0;
  for (let first = 0, last = 0; last < sorted.length; last += 1) {
    while (sorted[last] - sorted[first] >= 1000) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
