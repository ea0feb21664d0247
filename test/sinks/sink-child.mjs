/** A process that can be killed: the compiled sinks on a log of its own, until its standard input closes. */
import { openFileLog } from '../../dist/log/file-log.js';
import { nodeFiles } from '../../dist/log/files.js';
import { sinksSchema } from '../../dist/sinks/section.js';
import { openSinks } from '../../dist/sinks/sinks.js';

const { dir, config, lines } = JSON.parse(process.argv[2]);
const log = await openFileLog({ directory: `${dir}/log`, topics: { findings: 1 } });
const sinks = openSinks({
  config: sinksSchema.parse(config),
  ...{ folder: dir, dataDir: dir, files: nodeFiles, version: '0.1.0', publish: null },
  ...{ stateOf: () => null, pagesPerDay: () => null, now: Date.now, draw: () => 0.5 },
  onFault: (error) => console.error(error),
});
const places = [{ log, topic: 'findings', partition: 0 }];
await sinks.setActive({ places, control: async () => undefined, write: null });
while ((await sinks.status()).sinks[0].backlog !== 0 && lines.length > 0) {
  await new Promise((resolve) => setTimeout(resolve, 5));
}
for (const line of lines) await log.append('findings', 0, [line]);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
