/** Who writes a record. */

/**
 * Whether two actors are one person: a name is a name in any case of its letters, by a token or by an identity provider,
 * and one subject of a provider ('oidc:ISSUER#SUBJECT') is one person whatever name it goes by meanwhile.
 */
export function isSamePerson(
  a: { readonly actor: string; readonly authority: string | null },
  b: { readonly actor: string; readonly authority: string | null },
): boolean {
  if (a.actor.toLowerCase() === b.actor.toLowerCase()) return true;
  return a.authority?.startsWith('oidc:') === true && a.authority === b.authority;
}

/** Telemetry, engines and agents never register, stop or release; whoever calls a control route is a person. */
export function isPerson(actor: string): boolean {
  return actor.startsWith('person:');
}
