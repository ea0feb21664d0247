/** Who is logged in, and what is offered to them. The server decides it again in every call. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { SessionAnswer } from '../api/session-schema.js';
import { actorText } from './words.js';

export interface Person {
  /** As findings name whoever has them. */
  readonly name: string;
  readonly roles: readonly string[];
  /** May say what findings mean. */
  readonly isAnalyst: boolean;
  /** May stop and release. */
  readonly isResponder: boolean;
}

export function personOf({ actor, roles }: SessionAnswer): Person {
  const isResponder = roles.some((role) => role === 'responder' || role === 'admin');
  const isAnalyst = isResponder || roles.includes('analyst');
  return { name: actorText(actor), roles, isAnalyst, isResponder };
}

export const PersonContext = createContext<Person>({ name: '', roles: [], isAnalyst: false, isResponder: false });
export const usePerson = (): Person => useContext(PersonContext);
