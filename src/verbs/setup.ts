/** From the files that a person names, or from what is shipped, to what the rooms are started with. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { type Config, parseConfig } from '../config.js';
import { compilePolicy } from '../decide/compile-policy.js';
import type { Policy } from '../decide/policy.js';
import type { CohortModel } from '../detect/model.js';
import { KilldeerError } from '../errors.js';
import { PRICE_LIST } from '../event/price-list.js';
import { createPriceTable, type PriceTable } from '../event/prices.js';
import { neutralModel } from '../learn/neutral-model.js';
import { readModel } from '../pipeline/model-folder.js';
import { COLD_START, shippedPath } from './shipped.js';

export interface SetupOptions {
  /** Configuration file. */
  readonly config?: string;
  /** Wins over the configuration's: 'observe', 'enforce', or a file. */
  readonly policy?: string;
  /** Wins over the configuration's; null: nothing learned before. */
  readonly model?: string | null;
  /** Data directory; wins over the configuration's. */
  readonly data?: string;
}

export interface Setup {
  readonly config: Config;
  /** Where the configuration came from, in words. */
  readonly source: string;
  /** What the file said, before defaults; null: there is none. */
  readonly given: unknown;
  readonly policy: Policy;
  readonly policyPath: string;
  readonly startModel: CohortModel;
  readonly modelPath: string | null;
  readonly prices: PriceTable;
  /** Absolute. */
  readonly dataDir: string;
}

const SHIPPED_POLICIES = ['observe', 'enforce'];

/** Throws 'config.invalid', 'policy.invalid' or 'model.invalid', which name the file and the place in it. */
export function loadSetup(options: SetupOptions): Setup {
  const { config, source, given, folder } = loadConfig(options.config);
  const policyPath =
    options.policy === undefined ? policyPathOf(config.policy, folder) : policyPathOf(options.policy, process.cwd());
  const modelPath = modelPathOf(options, config, folder);
  return {
    config,
    source,
    given,
    policy: loadPolicy(policyPath),
    policyPath,
    startModel: modelPath === null ? neutralModel() : readModel(modelPath),
    modelPath,
    prices: createPriceTable(pricesOf(config)),
    dataDir: options.data === undefined ? resolve(folder, config.data_dir) : resolve(options.data),
  };
}

/** A configuration file's relative paths are taken from its own folder; without one, from the working directory. */
function loadConfig(path: string | undefined): { config: Config; source: string; given: unknown; folder: string } {
  if (path === undefined)
    return { config: parseConfig({}, 'defaults'), source: 'defaults', given: null, folder: process.cwd() };
  const text = readText(path, 'config.invalid');
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    throw new KilldeerError('config.invalid', `${path}: ${reason}`, error);
  }
  return { config: parseConfig(value, path), source: path, given: value ?? null, folder: dirname(resolve(path)) };
}

function policyPathOf(name: string, folder: string): string {
  return SHIPPED_POLICIES.includes(name) ? shippedPath(`policies/${name}.yaml`) : resolve(folder, name);
}

function modelPathOf({ model }: SetupOptions, config: Config, folder: string): string | null {
  if (model === null) return null;
  if (model !== undefined) return resolve(model);
  return config.learning.model === null ? shippedPath(COLD_START) : resolve(folder, config.learning.model);
}

function loadPolicy(path: string): Policy {
  const compiled = compilePolicy(readText(path, 'policy.invalid'), path);
  if ('policy' in compiled) return compiled.policy;
  const problems = compiled.problems.map((problem) => {
    return `${path}:${problem.line}:${problem.column} ${problem.path} ${problem.message}`;
  });
  throw new KilldeerError('policy.invalid', problems.join('\n'));
}

function readText(path: string, code: 'config.invalid' | 'policy.invalid'): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KilldeerError(code, `${path} cannot be read: ${reason}`, error);
  }
}

/** The configuration's rows win over the ones shipped for the same model and day. */
function pricesOf({ prices }: Config) {
  const named = new Set(prices.map(({ model, from }) => `${model} ${from}`));
  return [...PRICE_LIST.filter(({ model, from }) => !named.has(`${model} ${from}`)), ...prices];
}
