// The least an agent can be: messages of one WebSocket to a child's stdin, lines of its stdout back, JSON on both.
import { spawn } from 'node:child_process';
import { WebSocket } from 'ws';

const [relay, ...command] = process.argv.slice(2);
const child = spawn(command[0], command.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
const ids = new Map();
let parts = [];
let socket;

function dial() {
  socket = new WebSocket(relay, { maxPayload: 256 * 1024 * 1024 });
  // The relay may not be up yet.
  socket.on('error', () => setTimeout(dial, 10));
  socket.on('message', (data) => {
    const { call, message } = JSON.parse(data.toString());
    if (message.id !== undefined) {
      ids.set(call, message.id);
      message.id = call;
    }
    child.stdin.write(`${JSON.stringify(message)}\n`);
  });
}
dial();

child.stdout.on('data', (data) => {
  let from = 0;
  for (let end = data.indexOf(10); end !== -1; end = data.indexOf(10, from)) {
    parts.push(data.subarray(from, end));
    reply(Buffer.concat(parts).toString());
    parts = [];
    from = end + 1;
  }
  if (from < data.length) parts.push(data.subarray(from));
});

function reply(line) {
  const message = JSON.parse(line);
  const call = message.id;
  message.id = ids.get(call);
  ids.delete(call);
  socket.send(JSON.stringify({ call, message }));
}

// With its input the local server ends in good order, and so writes its profile where one is asked for.
process.on('SIGTERM', () => child.stdin.end());
child.once('exit', () => process.exit());
