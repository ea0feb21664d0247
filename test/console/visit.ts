/** A person before the console: a real browser at a real server, and what the browser complained of. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import type { Role } from '../../src/api/contract.js';
import type { Server } from '../e2e/server.js';
import { loopOf } from '../e2e/traffic.js';
import { launch } from './chromium.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export interface Visit {
  readonly page: Page;
  /** Errors of its console and of scripts, but the answers that a refused call is. */
  readonly complaints: readonly string[];
}

/** At the first page, logged in as whoever has the server's token of that role; null: a stranger. */
export async function visit(
  chromium: string,
  server: Server,
  role: Role | null,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const browser = await launch(chromium);
  onTestFinished(() => browser.close());
  const context = await browser.newContext({ viewport: { width: 1280, height: 850 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      complaints.push(message.text());
    }
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(role === null ? server.address : await linkOf(server, role));
  return { page, complaints };
}

/** A login link, as it is sent to a person. */
export async function linkOf(server: Server, role: Role): Promise<string> {
  const { status, body } = await server.ask('/v1/login-links', { token: server.token(role), json: {} });
  expect(status).toBe(201);
  return `${server.address}${body.path}`;
}

/** One open page for each agent, in the order given: a failing call again and again. */
export async function raise(server: Server, agents: readonly string[]): Promise<void> {
  for (const agent of agents) {
    expect(await server.send(loopOf(agent, 60))).toMatchObject({ status: 202, body: { accepted: 60 } });
    await server.until(`a page of ${agent} is there`, async () => {
      const { body } = await server.ask(`/v1/findings?agent=${agent}&severity=medium`);
      return body.total > 0;
    });
  }
  await server.settled();
}

/** What stands wrong for people who see, hear or steer otherwise, in short. */
export async function accessFaults(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = (await page.evaluate('axe.run()')) as {
    violations: { id: string; nodes: { html: string }[] }[];
  };
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
}

/** px that the page is wider than its window. */
export function overhang(page: Page): Promise<number> {
  return page.evaluate(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  ) as Promise<number>;
}
