/**
 * The shape of a compose file, as far as ours uses it (the Compose Specification): strict, so that a misspelt member
 * is found here and not by a container engine.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';

const name = z.string().regex(/^[a-zA-Z0-9._-]+$/);
const duration = z.string().regex(/^\d+(ms|s|m|h)$/);
const words = z.array(z.string().min(1)).min(1);

const mountSchema = z.strictObject({
  type: z.enum(['bind', 'volume']),
  source: z.string().optional(),
  target: z.string().startsWith('/'),
  read_only: z.boolean().optional(),
});

const healthSchema = z.union([
  z.strictObject({ disable: z.literal(true) }),
  z.strictObject({
    test: z.tuple([z.literal('CMD'), z.string()], z.string()),
    interval: duration,
    timeout: duration,
    retries: z.number().int().positive(),
    start_period: duration,
  }),
]);

const serviceSchema = z.strictObject({
  image: z.string(),
  build: z.strictObject({ context: z.string() }).optional(),
  user: z.string(),
  init: z.boolean().optional(),
  read_only: z.boolean(),
  cap_drop: words,
  security_opt: words,
  tmpfs: z.array(z.string().regex(/^\/[\w/-]+(:[\w=,]+)?$/)),
  entrypoint: words.optional(),
  command: words,
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(mountSchema),
  networks: z.array(name).min(1),
  ports: z.array(z.string()).default([]),
  restart: z.enum(['unless-stopped', 'on-failure']),
  stop_grace_period: duration,
  healthcheck: healthSchema,
  depends_on: z
    .record(
      name,
      z.strictObject({ condition: z.enum(['service_started', 'service_healthy', 'service_completed_successfully']) }),
    )
    .default({}),
  deploy: z.strictObject({ replicas: z.number().int().positive() }).optional(),
  ulimits: z.record(z.string(), z.strictObject({ soft: z.number().int(), hard: z.number().int() })).optional(),
  mem_limit: z.string().regex(/^\d+[kmg]$/),
});

const fileSchema = z
  .strictObject({
    name,
    services: z.record(name, serviceSchema),
    networks: z.record(name, z.strictObject({ internal: z.boolean().optional() })),
    volumes: z.record(name, z.strictObject({})),
  })
  .strict();

export type Service = z.infer<typeof serviceSchema>;
export type ComposeFile = z.infer<typeof fileSchema>;

/** The checkout's root, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Members that begin with x- are for anchors alone and are dropped, as the specification has it. */
export function parseCompose(text: string): ComposeFile {
  const value = parse(text, { merge: true }) as Record<string, unknown>;
  return fileSchema.parse(Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith('x-'))));
}

export function readCompose(): ComposeFile {
  return parseCompose(readFileSync(`${ROOT}docker-compose.yml`, 'utf8'));
}

/** Services that run this program, by name. */
export function ownServices(file: ComposeFile): [string, Service][] {
  return Object.entries(file.services).filter(([, { build }]) => build !== undefined);
}
