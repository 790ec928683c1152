import { styleText } from 'node:util';
import { printable } from '../log/printable.js';

interface ServerLine {
  readonly name: string;
  readonly status: string;
  readonly tools: number;
}

/** As much of a status report as its text shows. */
export interface ShownStatus {
  readonly mode: 'relay' | 'agent';
  readonly ok: boolean;
  readonly relay?: string;
  readonly url?: string;
  readonly agent?: {
    readonly running: boolean;
    readonly pid?: number;
    readonly snapshot?: {
      readonly link: string;
      readonly since: number;
      readonly deviceName?: string;
      readonly callsRunning: number;
      readonly servers: readonly ServerLine[];
    };
  };
  readonly login?: { readonly status: string; readonly account?: string };
  readonly problems: readonly { readonly what: string; readonly next: string }[];
}

/** A status report for people: what is up, then what is wrong, each with the next step. */
export function statusText(report: ShownStatus, color: boolean): string {
  const style = (format: 'green' | 'red' | 'yellow' | 'dim', text: string) =>
    color ? styleText(format, text, { validateStream: false }) : text;
  const rows: [string, string][] = [];
  if (report.mode === 'relay') {
    rows.push([
      'Relay',
      `${report.ok ? style('green', 'up') : style('red', 'not up')} ${style('dim', `(asked ${report.url})`)}`,
    ]);
  } else {
    const { agent, login, relay = '' } = report;
    const snapshot = agent?.snapshot;
    const state = snapshot?.link ?? (agent?.running ? 'starting' : 'not running');
    const device = snapshot?.deviceName === undefined ? '' : ` as ${printable(snapshot.deviceName)}`;
    const since = snapshot === undefined ? '' : ` since ${new Date(snapshot.since).toISOString()}`;
    rows.push(['Relay', relay]);
    rows.push([
      'Login',
      `${(login?.status ?? '').replaceAll('_', ' ')}${login?.account === undefined ? '' : ` as ${printable(login.account)}`}`,
    ]);
    rows.push([
      'Agent',
      `${style(report.ok ? 'green' : 'red', state)}${device}${since}${agent?.pid === undefined ? '' : `, process ${agent.pid}`}`,
    ]);
    for (const { name, status, tools } of snapshot?.servers ?? []) {
      const counted = status === 'ready' ? `, ${tools} ${tools === 1 ? 'tool' : 'tools'}` : '';
      rows.push([
        `  ${printable(name)}`,
        `${style(status === 'ready' ? 'green' : 'yellow', printable(status))}${counted}`,
      ]);
    }
  }
  const width = Math.max(...rows.map(([label]) => label.length));
  const lines = rows.map(([label, text]) => `${label.padEnd(width)}  ${text}`);
  for (const { what, next } of report.problems) {
    const [first = '', ...rest] = what.split('\n');
    lines.push('', `${style('yellow', '!')} ${printable(first)}`);
    lines.push(...rest.map((line) => `    ${printable(line)}`), `  ${printable(next)}`);
  }
  return lines.join('\n');
}
