// Peers that mean no good, many in one process, so that what they cost is not the load generator's.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';

const attacks = {
  'slow headers': ({ head, ...peer }) => drip(peer, `${head}X-Slow: ${'x'.repeat(4000)}`, 20),
  'slow bodies': ({ head, ...peer }) =>
    drip(peer, `${head}Content-Length: 100000\r\n\r\n${' '.repeat(4000)}`, head.length + 30),
  'requests without a token': ({ head, ...peer }) => ask(peer, `${head}Content-Length: 2\r\n\r\n{}`),
  'a flood of them': ({ head, ...peer }) => flood(peer, `${head}Content-Length: 2\r\n\r\n{}`),
  'refused upgrades': upgrades,
  'tiny frames': tinyFrames,
};

/** The first bytes at once, and the rest one at a time; then once more. */
async function drip(peer, text, first) {
  for (;;) {
    const socket = open(peer);
    socket.write(text.slice(0, first));
    for (let at = first; at < text.length && !socket.destroyed; at += 1) {
      socket.write(text[at]);
      await pause(20);
    }
    socket.destroy();
  }
}

/** One request after another, each after the answer to the one before. */
async function ask(peer, text) {
  for (;;) {
    const socket = open(peer);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    while (!socket.destroyed) {
      const answered = new Promise((resolve) => socket.once('data', resolve));
      socket.write(text);
      await Promise.race([answered, closed]);
      await pause(20);
    }
  }
}

/** 50 requests a second in one pipeline, whether or not anything comes back. */
async function flood(peer, text) {
  let socket = open(peer);
  for (;;) {
    if (socket.destroyed) socket = open(peer);
    socket.write(text);
    await pause(20);
  }
}

async function upgrades({ host }) {
  for (;;) {
    await new Promise((resolve) => {
      const socket = new WebSocket(`ws://${host}/ws`, 'mcp-tunnel.1');
      socket.on('error', () => undefined);
      socket.once('close', resolve);
    });
    await pause(200);
  }
}

/** An agent that is let in, and then sends frames of calls that do not exist. */
async function tinyFrames({ host, token }) {
  const dist = (path) => import(new URL(`../../dist/protocol/${path}`, import.meta.url).href);
  const { encodeFrame, FrameType, NO_ID } = await dist('frames.js');
  const { encodeJson, encodeWindow } = await dist('messages.js');
  const id = () => randomBytes(16).toString('hex');
  const app = { version: 'bench', platform: process.platform };
  const hello = { versions: [1], instance: id(), machine: id(), name: 'hostile', app, calls: [], servers: [] };
  const frame = encodeFrame(FrameType.window, false, id(), encodeWindow(1));
  for (;;) {
    const socket = new WebSocket(`ws://${host}/ws`, 'mcp-tunnel.1', { headers: { authorization: `Bearer ${token}` } });
    socket.on('error', () => undefined);
    socket.on('open', () => socket.send(encodeFrame(FrameType.hello, false, NO_ID, encodeJson(hello))));
    while (socket.readyState !== WebSocket.CLOSED) {
      await pause(20);
      for (let sent = 0; sent < 10 && socket.readyState === WebSocket.OPEN; sent += 1) socket.send(frame);
    }
  }
}

function open({ hostname, port }) {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  socket.on('error', () => undefined);
  socket.resume();
  return socket;
}

process.on('message', ({ what, peers, url, token }) => {
  const { host, hostname, port } = new URL(url);
  const head = `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n`;
  for (let peer = 0; peer < peers; peer += 1) void attacks[what]({ host, hostname, port, head, token });
});
process.on('disconnect', () => process.exit());
