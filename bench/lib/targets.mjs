/** What is to be reached. A figure that is not reached stays as it is. */
const ratio = (value) => `${value.toFixed(2)} ×`;
const mib = (value) => `${value.toFixed(1)} MiB`;
const seconds = (value) => `${value.toFixed(1)} s`;
const ms = (value) => `${value.toFixed(0)} ms`;
const count = (value) => String(value);
const percent = (value) => `${(value * 100).toFixed(1)} %`;

const most = (key, what, limit, show) => ({ key, what, limit, show, sign: '≤', met: (value) => value <= limit });
const least = (key, what, limit, show) => ({ key, what, limit, show, sign: '≥', met: (value) => value >= limit });

const TARGETS = [
  most('echo64.relayCpu', "relay's CPU per small call at 64, of floor's relay", 2.5, ratio),
  most('echo64.relayCpuOfDirect', "relay's CPU per small call at 64, of direct's server", 1, ratio),
  most('echo64.agentCpu', "agent's CPU per small call at 64, of floor's agent", 2, ratio),
  least('echo64.perSecond', "calls a second at 64, of direct's", 1, ratio),
  most('echo1.p50', "p50 at 1, of floor's", 2, ratio),
  most('echo64.p99', "p99 at 64, of floor's", 2.5, ratio),
  most('large8x1.relayCpu', "relay's CPU for a result of 8 MiB, of floor's", 0.4, ratio),
  most('large60x1.relayCpu', "relay's CPU for a result of 60 MiB, of floor's", 0.4, ratio),
  least('large8x1.mibPerSecond', "MiB/s of results of 8 MiB, of floor's", 1.2, ratio),
  least('large60x1.mibPerSecond', "MiB/s of results of 60 MiB, of floor's", 1.2, ratio),
  most('large.relayLinear', "relay's CPU per MiB at 60 MiB, of that at 8 MiB (linear: 1)", 1.2, ratio),
  most('large.agentLinear', "agent's CPU per MiB at 60 MiB, of that at 8 MiB (linear: 1)", 1.2, ratio),
  most('memory.perCallMiB', "relay's memory for one more call of 8 MiB in flight", 2, mib),
  most('memory.perCallBySizeMiB', "relay's memory per call, 60 MiB instead of 8 MiB", 2, mib),
  most('beside.stalledMiB', "relay's memory for 100 clients that never read 8 MiB", 200, mib),
  most('beside.stalled', 'p99 of a call beside them, of alone', 2, ratio),
  most('beside.slow', 'p99 of a call beside 100 slow ones, of alone', 3, ratio),
  most('beside.large', 'p99 of a call beside 60 MiB from the same device, of alone', 3, ratio),
  ...[
    'slow headers',
    'slow bodies',
    'requests without a token',
    'a flood of them',
    'refused upgrades',
    'tiny frames',
  ].map((what) => most(`hostile.${what}`, `p99 of a call beside hostile peers: ${what}`, 100, ms)),
  most('idle5000.mib', 'relay with 5,000 idle agents, in all', 250, mib),
  most('idle5000.core', 'ping CPU of 5,000 idle agents, of a core', 0.1, percent),
  most('storm.restartSeconds', "1,000 agents back after the relay's restart", 30, seconds),
  most('storm.restartMost', 'handshakes in any second meanwhile', 150, count),
  most('storm.crashSeconds', '1,000 agents back after a crash of the relay', 30, seconds),
  most('storm.crashMost', 'handshakes in any second meanwhile', 150, count),
  most('outage.seconds', 'first right call after an outage, from the port being open', 2, seconds),
  most('devices.callCpu', "relay's CPU per call of a user with 50 devices × 20 tools, of one with 1", 1.1, ratio),
  most('devices.listCpu', "relay's CPU for tools/list of 1,000 tools, of writing those bytes", 1.3, ratio),
  most('start.idleRelayMiB', 'idle relay', 110, mib),
  most('start.idleAgentMiB', 'idle agent', 60, mib),
  most('start.msOver', "nothing to first tools/list: time over 2 × floor's", 400, ms),
  most('start.cpuOver', "nothing to first tools/list: CPU over 2 × floor's", 400, ms),
  most('start.status', 'CPU of `status`', 200, ms),
  most('start.--help', 'CPU of `--help`', 200, ms),
];

/** @param facts key → number @returns a row for each target that was measured */
export function targetRows(facts) {
  return TARGETS.filter(({ key }) => facts[key] !== undefined).map(({ key, what, sign, limit, show, met }) => ({
    target: what,
    wanted: `${sign} ${show(limit)}`,
    measured: show(facts[key]),
    met: met(facts[key]) ? 'yes' : 'no',
  }));
}
