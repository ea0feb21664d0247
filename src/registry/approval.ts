/** What waits for a person's leave, and what became of it: the registry's words for it, shared by all who read them. */

/** What somebody wants a person's leave for. */
export type ApprovalSubject =
  /** A revocation: takes two people, the one who asked and another. */
  | { readonly kind: 'revoke'; readonly reason: string }
  /** One call that the policy lets pass with an approval only. */
  | {
      readonly kind: 'call';
      readonly operation: string | null;
      readonly endpoint: string | null;
      readonly target: string | null;
      /** 'PERMISSION/APPROVAL': the policy's rule that asks for it. */
      readonly rule: string;
    };

/** How long a revocation waits for its second person, ms. */
export const REVOKE_FOR_MS = 86_400_000;

/** open: nobody has answered; used: what it gave leave for has been done; lapsed: too late for either. */
export const APPROVAL_STATES = ['open', 'approved', 'rejected', 'used', 'lapsed'] as const;
export type ApprovalState = (typeof APPROVAL_STATES)[number];

/** One request for leave. Times in ms on the registry's clock. */
export interface Approval {
  readonly id: string;
  readonly tenant: string;
  readonly agent: string;
  readonly subject: ApprovalSubject;
  readonly state: ApprovalState;
  /** 'person:NAME', or 'system' for a call that was asked about inline. */
  readonly askedBy: string;
  /** The token, or the subject of an identity provider, that a person asked by. */
  readonly askedAs?: string;
  readonly askedMs: number;
  readonly forMs: number;
  /** When it lapses, as things stand. */
  readonly untilMs: number;
  readonly answeredBy: string | null;
  readonly answeredMs: number | null;
  readonly comment: string | null;
  /** Calls that it still lets pass. */
  readonly usesLeft: number;
}
