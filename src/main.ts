#!/usr/bin/env node
/** The program killdeer. Its verbs are in verbs/; how it ends is in verbs/program.ts. */
import { runProgram } from './verbs/program.js';
import { createTerminal } from './verbs/terminal.js';

// Whoever reads our output may stop reading: `killdeer replay ... | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runProgram(process.argv.slice(2), createTerminal());
