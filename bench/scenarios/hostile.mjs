import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { at, drive } from '../lib/drive.mjs';

const PEERS = 200;

export const name = 'hostile';

/** Slow headers, slow bodies, a flood without a token, and upgrades that are refused: an honest call's p99 meanwhile. */
export async function run(bench) {
  const { client, url } = await bench.system('tunnel');
  const count = bench.short ? 20 : 1000;
  const alone = async () => (await drive(() => client.echo(), 1, count)).times;
  await alone();
  const base = await alone();
  const rows = [row('none', base)];
  const target = new URL(url);
  const peers = bench.short ? 20 : PEERS;
  for (const [what, attack] of attacks(target)) {
    const over = new AbortController();
    const running = Array.from({ length: peers }, () => attack(over.signal));
    await pause(bench.short ? 100 : 1000);
    const times = await alone();
    over.abort();
    await Promise.allSettled(running);
    rows.push(row(`${peers} × ${what}`, times));
    bench.fact(`hostile.${what}`, at(times, 0.99));
  }
  bench.table('a call beside hostile peers', rows);
}

function row(peers, times) {
  return { peers, 'p50 ms': at(times, 0.5).toFixed(2), 'p99 ms': at(times, 0.99).toFixed(2) };
}

function attacks(target) {
  const head = `POST /mcp HTTP/1.1\r\nHost: ${target.host}\r\nContent-Type: application/json\r\n`;
  return [
    ['slow headers', (signal) => drip(target, `${head}X-Slow: ${'x'.repeat(4000)}`, signal)],
    [
      'slow bodies',
      (signal) => drip(target, `${head}Content-Length: 100000\r\n\r\n${' '.repeat(4000)}`, signal, head.length + 30),
    ],
    ['requests without a token', (signal) => flood(target, `${head}Content-Length: 2\r\n\r\n{}`, signal)],
    ['refused upgrades', (signal) => upgrades(target, signal)],
  ];
}

/** The first bytes at once, and the rest one at a time. */
async function drip(target, text, signal, first = 20) {
  const socket = open(target);
  socket.write(text.slice(0, first));
  for (let at = first; at < text.length && !signal.aborted && !socket.destroyed; at += 1) {
    socket.write(text[at]);
    await pause(20);
  }
  socket.destroy();
}

/** One request after another, never waiting for more than that something came back, 50 a second. */
async function flood(target, text, signal) {
  let socket = open(target);
  while (!signal.aborted) {
    if (socket.destroyed) socket = open(target);
    socket.write(text);
    await pause(20);
  }
  socket.destroy();
}

async function upgrades(target, signal) {
  while (!signal.aborted) {
    await new Promise((resolve) => {
      const socket = new WebSocket(`ws://${target.host}/ws`, 'mcp-tunnel.1');
      socket.on('error', () => undefined);
      socket.once('close', resolve);
    });
    await pause(200);
  }
}

function open({ hostname, port }) {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  socket.on('error', () => undefined);
  socket.resume();
  return socket;
}
