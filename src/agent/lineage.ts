/**
 * Who stands at the root of a delegation tree. Sub-agents are scored as part of their root: a run-away tree of sixty
 * children is one anomaly of one agent, and its children are too short-lived to have a baseline of their own.
 *
 * The rule needs nothing but the event: an event that names a parent belongs to the longest path of '/'-separated
 * segments that the agent and its parent share ('crew/sub-40' under 'crew/sub-02' is 'crew'); where they share none,
 * and where there is no parent, the agent is its own root. Whether a merely shared prefix is an agent at all, and not a
 * namespace, only the engine knows (engine.ts).
 */

export function rootOf(agent: string, parent: string | null): string {
  if (parent === null || parent === agent) return agent;
  const most = Math.min(agent.length, parent.length);
  let shared = 0;
  let i = 0;
  while (i < most && agent.charCodeAt(i) === parent.charCodeAt(i)) {
    if (agent.charCodeAt(i) === 47) shared = i;
    i++;
  }
  if (i === parent.length && agent.charCodeAt(i) === 47) return parent;
  if (i === agent.length && parent.charCodeAt(i) === 47) return agent;
  return shared > 0 ? agent.slice(0, shared) : agent;
}
