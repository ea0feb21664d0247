/**
 * A broker of one's own, as a child process: started, stopped, killed, paused and started again as a test wants.
 * broker.mjs does the work; it ends with whoever started it, so that no test leaves one behind.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('./broker.mjs', import.meta.url));

/** The one user that the SASL listener knows. */
export const SASL_USER = { username: 'alice', password: 'alice-secret' };

export interface Listeners {
  /** host:port of the plain listener. */
  readonly brokers: readonly string[];
  /** host:port of the listener with SASL; null without one. */
  readonly sasl: string | null;
  readonly tls: string | null;
  /** File with the certificate of the TLS listener, PEM. */
  readonly certificate: string | null;
}

export interface BrokerOptions {
  /** Of the plain listener. Default: any free one. */
  readonly port?: number;
  /** Keeps the data over a restart; the caller removes it. Default: a temporary folder of the broker's own. */
  readonly dataDir?: string;
  readonly sasl?: boolean;
  readonly tls?: boolean;
}

export interface ChildBroker extends Listeners {
  readonly port: number;
  /** Ends it in good order. */
  stop(): Promise<void>;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Connections stay open, nothing answers. */
  pause(): void;
  resume(): void;
}

/** Why no broker can be started here; null where one can. */
export function brokerMissing(): string | null {
  const missing = ['java', 'mvn'].filter(
    (name) => spawnSync(name, ['-version'], { stdio: 'ignore' }).error !== undefined,
  );
  return missing.length === 0 ? null : `${missing.join(' and ')} not found, and KAFKA_BROKERS is not set`;
}

/** Resolves once the broker accepts connections. */
export async function startBroker(options: BrokerOptions = {}): Promise<ChildBroker> {
  const child = spawn(process.execPath, [SCRIPT, '--json', '--with-parent', ...argumentsOf(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const told = await firstLine(child);
  const java = (signal: NodeJS.Signals) => {
    if (child.exitCode === null) process.kill(told.pid, signal);
  };
  return {
    brokers: [told.brokers],
    sasl: told.sasl,
    tls: told.tls,
    certificate: told.certificate,
    port: Number(told.brokers.split(':')[1]),
    stop: () => {
      child.stdin?.end();
      return exited;
    },
    kill: () => {
      java('SIGKILL');
      return exited;
    },
    pause: () => java('SIGSTOP'),
    resume: () => java('SIGCONT'),
  };
}

function argumentsOf({ port, dataDir, sasl, tls }: BrokerOptions): string[] {
  return [
    ...(port === undefined ? [] : ['--port', String(port)]),
    ...(dataDir === undefined ? [] : ['--data', dataDir]),
    ...(sasl === true ? ['--sasl'] : []),
    ...(tls === true ? ['--tls'] : []),
  ];
}

interface Told {
  readonly brokers: string;
  readonly sasl: string | null;
  readonly tls: string | null;
  readonly certificate: string | null;
  readonly pid: number;
}

function firstLine(child: ChildProcess): Promise<Told> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('\n')) resolve(JSON.parse(said.slice(0, said.indexOf('\n'))));
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the broker ended with code ${code} before it was ready`)));
  });
}
