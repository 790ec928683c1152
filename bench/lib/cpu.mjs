// What the kernel says about a process: CPU, memory. Linux only, as the benchmark is.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** The unit of /proc/<pid>/stat; 100 a second on every Linux that is not built to be different. */
const TICK_MS = 10;
const MIB = 1024 * 1024;

/** CPU that all threads of a process have used, user and system. @returns milliseconds */
export function cpuMs(pid) {
  try {
    // Nanoseconds for each thread, where the kernel keeps them.
    const threads = readdirSync(`/proc/${pid}/task`);
    const times = threads.map((thread) =>
      Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
    );
    return times.reduce((sum, ns) => sum + ns, 0) / 1e6;
  } catch {
    return ticks(pid, 11) * TICK_MS;
  }
}

/** CPU of the children of this process that have ended, and of theirs. @returns milliseconds, in steps of 10 */
export function childrenCpuMs() {
  return ticks(process.pid, 13) * TICK_MS;
}

/** utime+stime are fields 14 and 15 of proc_pid_stat(5), cutime+cstime 16 and 17; the name before them may hold blanks. */
function ticks(pid, first) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(') ') + 2).split(' ');
  return Number(fields[first]) + Number(fields[first + 1]);
}

/** Resident memory now. @returns MiB */
export function residentMiB(pid) {
  return status(pid, 'VmRSS');
}

/** Highest resident memory since the start or `resetPeak`. @returns MiB */
export function peakMiB(pid) {
  return status(pid, 'VmHWM');
}

/** Starts the peak anew at what is resident now. @returns false where that is not allowed */
export function resetPeak(pid) {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
    return true;
  } catch {
    return false;
  }
}

function status(pid, key) {
  const kib = new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kib) * 1024) / MIB;
}

/** The processes that this one has started and that still run. */
export function childrenOf(pid) {
  const text = readdirSync(`/proc/${pid}/task`).map((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'),
  );
  return text.join(' ').split(' ').filter(Boolean).map(Number);
}

/**
 * What each role uses while `work` runs; `load` is this process.
 * @param pids role → process
 * @returns what `work` returned, `cpu` (role → milliseconds) and `peak` (role → MiB)
 */
export async function measured(pids, work) {
  const before = Object.entries({ ...pids, load: process.pid }).map(([role, pid]) => [role, pid, cpuMs(pid)]);
  for (const pid of Object.values(pids)) resetPeak(pid);
  const value = await work();
  const cpu = Object.fromEntries(before.map(([role, pid, ms]) => [role, cpuMs(pid) - ms]));
  const peak = Object.fromEntries(Object.entries(pids).map(([role, pid]) => [role, peakMiB(pid)]));
  return { value, cpu, peak };
}
