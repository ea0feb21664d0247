/**
 * Who stands above whom among the agents of one tenant, both ways: by name ('a/b' works under 'a') and by the parent
 * that the registry names. Grows with the inventory and never beyond it.
 */
import type { RegistryEntry } from '../registry/registry.js';

/** Steps that are followed upwards, as in the registry's own decisions. */
const HOPS_MAX = 32;

export class Lines<N extends { readonly entry: RegistryEntry }> {
  private readonly nodes = new Map<string, N>();
  /** By the name above, known or not. */
  private readonly children = new Map<string, Set<string>>();

  get(agent: string): N | undefined {
    return this.nodes.get(agent);
  }

  all(): IterableIterator<N> {
    return this.nodes.values();
  }

  put(node: N): void {
    const { agent, parent } = node.entry;
    const before = this.nodes.get(agent);
    this.nodes.set(agent, node);
    if (before === undefined) for (const name of prefixesOf(agent)) this.hang(name, agent);
    const parentBefore = before?.entry.parent ?? null;
    if (parentBefore === parent) return;
    if (parentBefore !== null && !agent.startsWith(`${parentBefore}/`)) this.children.get(parentBefore)?.delete(agent);
    if (parent === null) return;
    this.hang(parent, agent);
    // The parent itself may never be seen, and whoever stands above its name still covers the agent.
    for (const name of prefixesOf(parent)) this.hang(name, parent);
  }

  /** The agent, where it is known, and everybody known above it, nearest first. */
  above(agent: string): N[] {
    const line: N[] = [];
    let name: string | null = agent;
    for (let hops = 0; name !== null && hops < HOPS_MAX; hops++) {
      let next: string | null = null;
      for (const one of [name, ...prefixesOf(name)]) {
        const node = this.nodes.get(one);
        if (node === undefined) continue;
        if (!line.includes(node)) line.push(node);
        next ??= node.entry.parent;
      }
      name = next;
    }
    return line;
  }

  /** The agent, where it is known, and everybody known below it. */
  below(agent: string): N[] {
    const found: N[] = [];
    const names = [agent];
    const seen = new Set(names);
    for (let i = 0; i < names.length; i++) {
      const node = this.nodes.get(names[i]);
      if (node !== undefined) found.push(node);
      for (const child of this.children.get(names[i]) ?? []) {
        if (seen.has(child)) continue;
        seen.add(child);
        names.push(child);
      }
    }
    return found;
  }

  private hang(above: string, agent: string): void {
    const hung = this.children.get(above);
    if (hung === undefined) this.children.set(above, new Set([agent]));
    else hung.add(agent);
  }
}

/** 'a/b' and 'a' of 'a/b/c'. */
function prefixesOf(agent: string): string[] {
  const prefixes: string[] = [];
  for (let slash = agent.lastIndexOf('/'); slash > 0; slash = agent.lastIndexOf('/', slash - 1)) {
    prefixes.push(agent.slice(0, slash));
  }
  return prefixes;
}
