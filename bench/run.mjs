/**
 * The benchmarks: `npm run bench`, `npm run bench -- replay engine`, `npm run bench -- replay --recording PATH --json`.
 * Each runs in a process of its own, so that neither memory nor compiled code of one reaches the next. Nothing here
 * fails because it was slow: figures are for people to judge (docs/benchmarks.md).
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BENCHES } from './benches.mjs';
import { jsonLine, table } from './report.mjs';

const CHILD = fileURLToPath(new URL('./child.mjs', import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    recording: { type: 'string' },
  },
});

/** Resolves with the bench's rows. */
function runApart(name) {
  return new Promise((resolve, reject) => {
    const child = fork(CHILD, [name, JSON.stringify({ recording: values.recording ?? null })], {
      execArgv: BENCHES[name].flags ?? [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    let rows = null;
    child.on('message', (message) => {
      rows = message;
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0 && rows !== null) resolve(rows);
      else reject(new Error(`bench ${name} ended with ${signal ?? code}`));
    });
  });
}

const unknown = positionals.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  console.error(`there is no bench ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`);
  process.exitCode = 2;
} else if (values.list) {
  for (const [name, { about }] of Object.entries(BENCHES)) console.log(`${name.padEnd(8)} ${about}`);
} else {
  try {
    for (const name of positionals.length > 0 ? positionals : Object.keys(BENCHES)) {
      if (!values.json) console.log(`${name}: ${BENCHES[name].about}`);
      const rows = await runApart(name);
      console.log(values.json ? rows.map(jsonLine).join('\n') : `${table(rows)}\n`);
    }
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
