/** Which agents of the registry a caller means. */
import type { RegistryEntry } from '../registry/registry.js';

/** Every member that is there must hold. */
export interface AgentsFilter {
  readonly tenant?: string | undefined;
  readonly status?: string | undefined;
  readonly owner?: string | undefined;
  readonly role?: string | undefined;
  readonly label?: string | undefined;
  readonly trust?: string | undefined;
  readonly environment?: string | undefined;
  readonly registered?: 'true' | 'false' | undefined;
  readonly q?: string | undefined;
}

export function isWanted(entry: RegistryEntry, filter: AgentsFilter): boolean {
  const { tenant, status, owner, role, label, trust, environment, registered, q } = filter;
  const { registration } = entry;
  return (
    (tenant === undefined || tenant === entry.tenant) &&
    (status === undefined || status === entry.status) &&
    (owner === undefined || owner === entry.owner || owner === registration.technicalOwner) &&
    (role === undefined || role === entry.role) &&
    (label === undefined || entry.labels.includes(label)) &&
    (trust === undefined || trust === registration.trust) &&
    (environment === undefined || environment === registration.environment) &&
    (registered === undefined || (registered === 'true') === entry.registered) &&
    (q === undefined || tells(entry, q.toLowerCase()))
  );
}

function tells(entry: RegistryEntry, part: string): boolean {
  const { technicalOwner, purpose } = entry.registration;
  return [entry.agent, entry.owner, technicalOwner, purpose].some((text) => text?.toLowerCase().includes(part));
}
