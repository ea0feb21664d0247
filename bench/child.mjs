/** Runs one bench in this process and sends its rows to the parent. */
import { BENCHES } from './benches.mjs';

const [name, options] = process.argv.slice(2);
const { run } = await import(BENCHES[name].file);
process.send(await run(JSON.parse(options)), () => process.disconnect());
