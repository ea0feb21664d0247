/** What the inline decision needs of the ledger of budgets, and the ways that a question may come by. */
import type { Question } from '../registry/registry.js';

/** The ways a question may come by. */
export const CONTRACTS = ['json', 'envoy', 'nginx', 'mcp'] as const;
export type Contract = (typeof CONTRACTS)[number];

/** What a budget grants one call, or why it does not. USD, ms. */
export interface Grant {
  /** null: refused. */
  readonly id: string | null;
  readonly remainingUsd: number;
  readonly expiresMs: number;
  readonly reason: string | null;
}

/** The ledger of budgets. */
export interface SpendPort {
  /** null: nobody who would pay has a budget. */
  reserve(tenant: string, agent: string, question: Question, estimateUsd: number | null, nowMs: number): Grant | null;
  /** Whose reservation it is; null: it is not open. */
  find(id: string, nowMs: number): { readonly tenant: string; readonly agent: string } | null;
  /** Ends a reservation; `costUsd` null: its event tells. null answers: it is not open. */
  settle(id: string, costUsd: number | null, nowMs: number): { readonly amountUsd: number } | null;
  /** A call was refused for want of money: to be recorded. */
  refused?(tenant: string, agent: string, question: Question, nowMs: number): void;
}
