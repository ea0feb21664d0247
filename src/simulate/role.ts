/** What a role is: tools, whom and what they reach, and the tasks that are done with them. */
import type { Operation } from '../event/event.js';
import type { CurveName } from './day-curve.js';

/** What a tool is called on. In a template '#' is a digit and {first}, {last}, {company}, {word} are names. */
export type Targets =
  | { readonly kind: 'none' }
  /** One per session, never seen before: a ticket, an order. */
  | { readonly kind: 'case'; readonly template: string }
  /** A few that each agent keeps using, and a share of new ones. */
  | { readonly kind: 'own'; readonly template: string; readonly count: number; readonly freshShare: number }
  /** The same few for every agent of the role: hosts, databases. */
  | { readonly kind: 'shared'; readonly template: string; readonly count: number }
  | { readonly kind: 'fixed'; readonly names: readonly string[] };

/** What an agent can call beside its model. */
export interface Tool {
  readonly name: string;
  readonly operation: Operation;
  readonly targets: Targets;
  /** Medians. */
  readonly latencyMs: number;
  readonly bytesOut: number;
  /** Calls that fail in ordinary times, 0 to 1. */
  readonly errorShare: number;
}

/** A kind of session. */
export interface Task {
  readonly name: string;
  /** How often it is done, relative to the role's other tasks. */
  readonly weight: number;
  /** Tool names in order: 'name?' is done in half of the sessions, 'name*' one to four times, '>' delegates. */
  readonly steps: string;
}

/** A job, held by one or more agents. */
export interface Role {
  readonly name: string;
  /** Agents are called prefix-1, prefix-2, ... */
  readonly prefix: string;
  /** Team that answers for the role's agents. */
  readonly owner: string;
  readonly labels: readonly string[];
  /** Model names, of MODELS; each agent keeps to one. Empty: makes no model calls. */
  readonly models: readonly string[];
  readonly curve: CurveName;
  /** Least and greatest mean sessions a day; an agent's own is drawn between them. */
  readonly sessionsPerDay: readonly [number, number];
  /** sessions: independent but overdispersed; bursts: in clumps; metronome: evenly spaced. */
  readonly rhythm: 'sessions' | 'bursts' | 'metronome';
  /** Medians of a session's first input, of what a tool's answer adds to it, and of an answer. */
  readonly promptTokens: number;
  readonly growthTokens: number;
  readonly outputTokens: number;
  readonly tools: readonly Tool[];
  readonly tasks: readonly Task[];
  /** Steps of a sub-agent; null: the role never delegates. */
  readonly subTask: string | null;
}

interface Price {
  /** US dollars per million tokens. */
  readonly inputUsd: number;
  readonly outputUsd: number;
}

/** List prices of the models in use. */
export const MODELS: Readonly<Record<string, Price>> = {
  'gpt-4o': { inputUsd: 2.5, outputUsd: 10 },
  'gpt-4o-mini': { inputUsd: 0.15, outputUsd: 0.6 },
  'claude-sonnet-4': { inputUsd: 3, outputUsd: 15 },
  'claude-3-5-haiku': { inputUsd: 0.8, outputUsd: 4 },
};

/** US dollars, to a hundred-millionth. */
export function costUsdOf(model: string, inputTokens: number, outputTokens: number): number {
  const price = MODELS[model];
  return Math.round((inputTokens * price.inputUsd + outputTokens * price.outputUsd) * 100) / 1e8;
}

/** One step of a task. */
export interface Step {
  /** Tool name; null: delegate. */
  readonly tool: string | null;
  /** Done always, in half of the sessions, or one to four times. */
  readonly repeat: 'once' | 'maybe' | 'several';
}

/** Steps of a task's text; '' is a task without tools: the model only talks. */
export function parseSteps(steps: string): Step[] {
  if (steps === '') return [];
  return steps.split(' ').map((word) => {
    if (word === '>') return { tool: null, repeat: 'once' };
    if (word.endsWith('?')) return { tool: word.slice(0, -1), repeat: 'maybe' };
    if (word.endsWith('*')) return { tool: word.slice(0, -1), repeat: 'several' };
    return { tool: word, repeat: 'once' };
  });
}
