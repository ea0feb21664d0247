/** The real command line, without anything being done. */
import { Command } from 'commander';
import { addCheck } from '../../src/verbs/check.js';
import { addRun } from '../../src/verbs/run.js';
import { createTerminal } from '../../src/verbs/terminal.js';

/** Verb and options of a command, as the program's own parser takes them. Throws where it refuses them. */
export function parseCommand(words: readonly string[]): { verb: string; options: Record<string, unknown> } {
  const program = new Command('killdeer').exitOverride();
  const context = { terminal: createTerminal(), failed: () => {} };
  addRun(program, context);
  addCheck(program, context);
  let taken: { verb: string; options: Record<string, unknown> } | null = null;
  for (const verb of program.commands) {
    verb.exitOverride().configureOutput({ writeErr: () => {} });
    verb.action((options: Record<string, unknown>) => {
      taken = { verb: verb.name(), options };
    });
  }
  program.configureOutput({ writeErr: () => {} }).parse(words, { from: 'user' });
  if (taken === null) throw new Error(`no verb took ${words.join(' ')}`);
  return taken;
}
