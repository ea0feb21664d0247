/** `killdeer replay` of a server's data directory: its log holds everything that decides, so nothing else can be said. */
import { KilldeerError } from '../errors.js';
import { openFileLog, partitionsOf } from '../log/file-log.js';
import { holdsServerData, replayDirectory } from '../pipeline/replay-directory.js';
import { loadSetup } from './setup.js';
import { count, type Terminal } from './terminal.js';

/** What the log says itself. */
const SAID = ['decisions', 'deadLetter', 'policy', 'model', 'state', 'registry', 'unbound', 'verdicts'] as const;

type Options = Readonly<Partial<Record<(typeof SAID)[number], unknown>>> & {
  readonly findings?: string;
  readonly config?: string;
};

/** False where the folder is none of a server's. Throws 'usage' for options that its log answers. */
export async function replayData(terminal: Terminal, directory: string, options: Options): Promise<boolean> {
  if (!(await holdsServerData(directory))) return false;
  for (const name of SAID) {
    if (options[name] === undefined) continue;
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new KilldeerError('usage', `--${flag} is not for ${directory}: a server's log is replayed as it was`);
  }
  const bar = terminal.progress(1);
  try {
    const { config } = options;
    const summary = await replayDirectory({
      directory,
      prices: loadSetup(config === undefined ? {} : { config }).prices,
      findingsPath: options.findings ?? null,
      adapters: { openFileLog, partitionsOf },
      onProgress: (done, total) => bar.update(done / Math.max(1, total), `${count(done)} of ${count(total)} records`),
    });
    bar.stop();
    terminal.emit({ recording: directory, ...summary });
    if (terminal.rich) {
      const { events, activations, findings, pages } = summary;
      terminal.say(`${terminal.paint.bold(directory)}  ${count(events)} events, ${count(activations)} activations`);
      terminal.say(`${count(findings)} findings, ${count(pages)} of them pages`);
    }
    return true;
  } finally {
    bar.stop();
  }
}
