/** The sinks that carry alerts out, as the API shows them. */
import type { SinksStatus } from '../sinks/status.js';

export interface SinksPort {
  status(): Promise<SinksStatus>;
}
