/** Who writes a record. */

/** Telemetry, engines and agents never register, stop or release; whoever calls a control route is a person. */
export function isPerson(actor: string): boolean {
  return actor.startsWith('person:');
}
