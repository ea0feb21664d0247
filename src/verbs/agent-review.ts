/** `killdeer agent review`: the access review, made and signed by the server, checked anywhere, applied by the server. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signedText } from '../api/access-review.js';
import { type FilledReview, reviewBody } from '../api/audit-schema.js';
import { atOnce } from '../api/steps.js';
import { brokenSeal } from '../custody/seal.js';
import { verifierOf } from '../custody/signing-key.js';
import { KilldeerError } from '../errors.js';
import { addFilter, type Filter, type MakeVerb, queryOf } from './agent-list.js';
import { clientOf } from './data-directory.js';
import { readFileBytes } from './registry-file.js';
import { count, type Terminal } from './terminal.js';
import { type VerbContext, wholeNumber } from './verb.js';

interface ReviewChoice extends Filter {
  readonly out?: string;
  readonly days?: number;
  readonly verify?: string;
  readonly key?: string;
  readonly apply?: string;
  readonly nextDays?: number;
}

const DAYS_MAX = 3_660;

export function addAgentReview(verb: MakeVerb, context: VerbContext): void {
  addFilter(verb('review', 'the access review: --out makes one, --verify checks one, --apply carries one out'))
    .option('--out <dir>', 'where the document and the public key go')
    .option('--days <days>', 'looked back for what was used; 30', wholeNumber('--days', 1, DAYS_MAX))
    .option('--verify <file>', 'checks the signature, without a server')
    .option('--key <file>', 'public key for --verify: the JWK beside the review')
    .option('--apply <file>', 'carries out what people filled in')
    .option(
      '--next-days <days>',
      'until the next review of what was decided; 90',
      wholeNumber('--next-days', 1, DAYS_MAX),
    )
    .action((choice: ReviewChoice) => review(context, choice));
}

async function review(context: VerbContext, choice: ReviewChoice): Promise<void> {
  const { out, verify, key, apply } = choice;
  if ([out, verify, apply].filter((one) => one !== undefined).length !== 1) {
    throw new KilldeerError('usage', 'review: name one of --out, --verify and --apply');
  }
  if (out !== undefined) await make(context.terminal, out, choice);
  else if (apply !== undefined) await carryOut(context, apply, choice);
  else check(context, verify as string, key);
}

async function make(terminal: Terminal, out: string, choice: ReviewChoice): Promise<void> {
  const client = clientOf(choice, 'admin');
  const days = choice.days === undefined ? {} : { days: choice.days };
  const text = await client.makeReview({ ...queryOf(choice), ...days });
  const key = await client.auditKey();
  const document = JSON.parse(text) as { made: string; agents: unknown[]; history: string | null };
  const name = `access-review-${document.made.slice(0, 19).replaceAll(':', '')}`;
  const files = [
    [`${name}.json`, text],
    [`${name}.to-fill-in.json`, `${JSON.stringify(document, null, 2)}\n`],
    [`${name}.key.jwk`, `${JSON.stringify(key)}\n`],
  ] as const;
  const paths = files.map(([file, content]) => write(out, file, content));
  terminal.emit({ agents: document.agents.length, review: paths[0], form: paths[1], key: paths[2], kid: key['kid'] });
  terminal.say(`${count(document.agents.length)} agents: ${paths[0]}`);
  terminal.say(`to be filled in (decision keep, remove or change): ${paths[1]}`);
  if (document.history !== null) terminal.say(document.history);
}

/** Who may what is nobody else's to read. */
function write(dir: string, file: string, content: string): string {
  const path = join(dir, file);
  try {
    mkdirSync(dir, { recursive: true });
    writeFileSync(path, content, { mode: 0o600 });
  } catch (error) {
    throw new KilldeerError('usage', `${path} cannot be written: ${(error as Error).message}`, error);
  }
  return path;
}

function check({ terminal, failed }: VerbContext, path: string, keyPath: string | undefined): void {
  if (keyPath === undefined) throw new KilldeerError('usage', 'review --verify: name the public key with --key');
  const document = readReview(path);
  const key = verifierOf(Buffer.from(readFileBytes(keyPath)).toString('utf8'), keyPath);
  const broken = brokenSeal(document.signature, atOnce(signedText(document)), key);
  terminal.emit({ review: path, holds: broken === null, reason: broken, kid: document.signature.kid });
  if (broken === null) terminal.say(`${path}: the signature holds, by the key ${key.kid}`);
  else {
    failed();
    terminal.say(`${path}: ${broken}`);
  }
}

async function carryOut({ terminal, failed }: VerbContext, path: string, choice: ReviewChoice): Promise<void> {
  const applied = await clientOf(choice, 'admin').applyReview(readReview(path), choice.nextDays);
  terminal.emit(applied);
  const { kept, removed, changed, undecided, refused } = applied;
  terminal.say(
    `${count(kept)} kept, ${count(removed)} removed, ${count(changed)} changed, ${count(undecided)} undecided`,
  );
  for (const { agent, reason } of refused) terminal.complain(`${agent}: ${reason}\n`);
  if (refused.length > 0) failed();
}

/** Throws 'usage', which names the file and the member. */
function readReview(path: string): FilledReview {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(readFileBytes(path)).toString('utf8'));
  } catch (error) {
    if (error instanceof KilldeerError) throw error;
    throw new KilldeerError('usage', `${path} is not JSON`, error);
  }
  const parsed = reviewBody.safeParse(value);
  if (parsed.success) return parsed.data;
  const told = parsed.error.issues.slice(0, 5).map(({ path: at, message }) => `${at.join('.')}: ${message}`);
  throw new KilldeerError('usage', `${path} is no access review: ${told.join('; ')}`);
}
