import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openApiDocument } from '../../src/api/openapi.js';
import { createWorld } from './world.js';

const version = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version as string;
const { app } = createWorld();
await app.ready();
const document = openApiDocument(app.routeTable, version);

describe('openapi.json', () => {
  // After a change of the routes: npx vitest run test/api/openapi.test.ts -u
  it('is current', async () => {
    await expect(formatted(document)).toMatchFileSnapshot('../../openapi.json');
  });

  it('is what the server answers to anybody', async () => {
    const answer = await app.inject({ method: 'GET', url: '/openapi.json' });
    expect(answer.json()).toEqual(openApiDocument(app.routeTable, '0.0.0-test'));
  });

  it('describes every route with its roles, and refers to nothing that is not there', () => {
    const paths = document.paths as Record<string, Record<string, Record<string, unknown>>>;
    const operations = Object.values(paths).flatMap((path) => Object.values(path));
    expect(operations).toHaveLength(app.routeTable.length);
    for (const operation of operations) expect(operation['x-killdeer-roles']).toBeDefined();
    expect(new Set(operations.map((operation) => operation.operationId)).size).toBe(operations.length);
    const schemas = (document.components as { schemas: Record<string, unknown> }).schemas;
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g);
    for (const [, name] of references) expect(Object.keys(schemas)).toContain(name);
  });

  it('names every parameter of a path', () => {
    const paths = document.paths as Record<string, Record<string, { parameters?: { name: string; in: string }[] }>>;
    for (const [path, operations] of Object.entries(paths)) {
      const wanted = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const { parameters = [] } of Object.values(operations)) {
        expect(parameters.filter((one) => one.in === 'path').map((one) => one.name)).toEqual(wanted);
      }
    }
  });
});

/** As the formatter of the repository writes it: a list of plain values stands on one line where it fits. */
function formatted(value: unknown): string {
  const wide = JSON.stringify(value, null, 2);
  const narrow = wide.replace(/\[\n\s+([^[\]{}]*?)\n\s+\]/g, (list, inner: string, offset: number) => {
    const before = offset - wide.lastIndexOf('\n', offset) - 1;
    const line = `[${inner.replaceAll(/\n\s+/g, ' ')}]`;
    const comma = wide[offset + list.length] === ',' ? 1 : 0;
    return before + line.length + comma <= 120 ? line : list;
  });
  return `${narrow}\n`;
}
