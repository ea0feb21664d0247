/** No Envoy is asked here: that the example says what the contract wants (test/contract/envoy.json). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

type Json = Record<string, unknown>;

const file = parse(readFileSync(new URL('../../deploy/envoy/envoy.yaml', import.meta.url), 'utf8'));
const manager = file.static_resources.listeners[0].filter_chains[0].filters[0].typed_config;
const filters: Json[] = manager.http_filters.map((filter: { typed_config: Json }) => filter.typed_config);
const kinds = filters.map((filter) => String(filter['@type']).split('.').at(-1));
const authz = filters.find((filter) => String(filter['@type']).endsWith('ExtAuthz')) as Json;
const service = authz['http_service'] as { path_prefix: string } & Record<
  string,
  Record<string, { patterns: { exact: string }[] }>
>;

describe('deploy/envoy/envoy.yaml', () => {
  it('takes what callers say of themselves out, finds out who they are, then asks', () => {
    expect(kinds).toEqual(['HeaderMutation', 'JwtAuthentication', 'ExtAuthz', 'Router']);
    const removed = (filters[0] as { mutations: { request_mutations: { remove: string }[] } }).mutations;
    const names = removed.request_mutations.map(({ remove }) => remove);
    expect(names).toEqual(expect.arrayContaining(['x-killdeer-agent', 'x-killdeer-tenant', 'x-killdeer-parent']));
    const allowed = service.authorization_request.allowed_headers.patterns.map(({ exact }) => exact);
    expect(allowed).toContain('x-killdeer-agent');
  });

  it('asks under the path that the server knows, and refuses where there is no answer', () => {
    expect(service.path_prefix).toBe('/v1/envoy');
    expect(authz['failure_mode_allow']).toBe(false);
    expect(manager).toMatchObject({ normalize_path: true, merge_slashes: true });
  });

  it('names clusters that are there', () => {
    const clusters = file.static_resources.clusters.map(({ name }: { name: string }) => name);
    const named = JSON.stringify(manager).matchAll(/"cluster":"([^"]+)"/g);
    for (const [, name] of named) expect(clusters).toContain(name);
  });
});
