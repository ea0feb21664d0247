/**
 * Asks the process of this container whether it works, for the container's health check: exit 0 if one of the ports
 * answers /healthz with 200. The first is that of a process with an API, the second that of one without.
 */
const PORTS = [8321, 9464];
const TIMEOUT_MS = 3_000;

const ports = process.argv.length > 2 ? process.argv.slice(2) : PORTS;
const answers = await Promise.allSettled(
  ports.map((port) => fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(TIMEOUT_MS) })),
);
process.exit(answers.some(({ value }) => value?.status === 200) ? 0 : 1);
