export interface NginxSetup {
  /** host:port of the API. */
  readonly killdeer: string;
  /** host:port of what is behind nginx. */
  readonly protectedBy: string;
  readonly token: string;
  /** Agent by key. */
  readonly agents: Readonly<Record<string, string>>;
}

/** Path of the program, or null. */
export function findNginx(): string | null;
export function startNginx(setup: NginxSetup): Promise<{ readonly address: string; stop(): Promise<void> }>;
