import type { Limits } from './config.js';

/** One limit: its default and the whole numbers a config may set. */
export interface LimitRange {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const HOUR = 3600;
const DAY = 24 * HOUR;

/** Defaults and bounds of every limit. A lower bound is where the relay still works, an upper one where a limit stops being one. */
export const limitRanges: Readonly<Record<keyof Limits, LimitRange>> = {
  requestBytes: { default: 4 * MiB, min: 64 * KiB, max: 64 * MiB },
  resultBytes: { default: 64 * MiB, min: 64 * KiB, max: 1024 * MiB },
  callsPerDevice: { default: 64, min: 1, max: 10_000 },
  callsPerClient: { default: 32, min: 1, max: 10_000 },
  queueSeconds: { default: 5, min: 0, max: 60 },
  toolsPerUser: { default: 2000, min: 1, max: 100_000 },
  devicesPerUser: { default: 50, min: 1, max: 1000 },
  callSeconds: { default: 600, min: 1, max: DAY },
  callMaxSeconds: { default: HOUR, min: 1, max: DAY },
  pageSize: { default: 1000, min: 1, max: 100_000 },
  replayBytes: { default: MiB, min: 0, max: 256 * MiB },
  replaySeconds: { default: 300, min: 0, max: DAY },
  sessionSeconds: { default: 7 * DAY, min: 60, max: 365 * DAY },
  streamsPerClient: { default: 8, min: 1, max: 1000 },
  silentSeconds: { default: 10, min: 1, max: 300 },
  keepaliveSeconds: { default: 15, min: 1, max: 300 },
  presentSeconds: { default: 300, min: 0, max: 30 * DAY },
  resumeSeconds: { default: 5, min: 0, max: HOUR },
  heartbeatSeconds: { default: 15, min: 1, max: 300 },
  pongSeconds: { default: 10, min: 1, max: 300 },
  drainSeconds: { default: 30, min: 0, max: HOUR },
  headerSeconds: { default: 10, min: 1, max: 300 },
  bodySeconds: { default: 30, min: 1, max: HOUR },
  idleSeconds: { default: 75, min: 1, max: HOUR },
  connectionsPerAddress: { default: 256, min: 1, max: 1_000_000 },
  requestsPerMinute: { default: 120, min: 1, max: 1_000_000 },
  tokensPerMinute: { default: 120, min: 1, max: 1_000_000 },
  registrationsPerHour: { default: 60, min: 1, max: 1_000_000 },
  signInsPerMinute: { default: 10, min: 1, max: 1_000_000 },
  registeredClients: { default: 10_000, min: 1, max: 10_000_000 },
  accessTokenSeconds: { default: HOUR, min: 60, max: DAY },
  refreshTokenDays: { default: 90, min: 1, max: 3650 },
  refreshGraceSeconds: { default: 60, min: 0, max: 300 },
  registrationDays: { default: 90, min: 1, max: 3650 },
};

/** All limits, those of `given` in place of the defaults. */
export function withLimitDefaults(given: Partial<Limits> = {}): Limits {
  const limit = (key: keyof Limits) => given[key] ?? limitRanges[key].default;
  return {
    requestBytes: limit('requestBytes'),
    resultBytes: limit('resultBytes'),
    callsPerDevice: limit('callsPerDevice'),
    callsPerClient: limit('callsPerClient'),
    queueSeconds: limit('queueSeconds'),
    toolsPerUser: limit('toolsPerUser'),
    devicesPerUser: limit('devicesPerUser'),
    callSeconds: limit('callSeconds'),
    callMaxSeconds: limit('callMaxSeconds'),
    pageSize: limit('pageSize'),
    replayBytes: limit('replayBytes'),
    replaySeconds: limit('replaySeconds'),
    sessionSeconds: limit('sessionSeconds'),
    streamsPerClient: limit('streamsPerClient'),
    silentSeconds: limit('silentSeconds'),
    keepaliveSeconds: limit('keepaliveSeconds'),
    presentSeconds: limit('presentSeconds'),
    resumeSeconds: limit('resumeSeconds'),
    heartbeatSeconds: limit('heartbeatSeconds'),
    pongSeconds: limit('pongSeconds'),
    drainSeconds: limit('drainSeconds'),
    headerSeconds: limit('headerSeconds'),
    bodySeconds: limit('bodySeconds'),
    idleSeconds: limit('idleSeconds'),
    connectionsPerAddress: limit('connectionsPerAddress'),
    requestsPerMinute: limit('requestsPerMinute'),
    tokensPerMinute: limit('tokensPerMinute'),
    registrationsPerHour: limit('registrationsPerHour'),
    signInsPerMinute: limit('signInsPerMinute'),
    registeredClients: limit('registeredClients'),
    accessTokenSeconds: limit('accessTokenSeconds'),
    refreshTokenDays: limit('refreshTokenDays'),
    refreshGraceSeconds: limit('refreshGraceSeconds'),
    registrationDays: limit('registrationDays'),
  };
}
