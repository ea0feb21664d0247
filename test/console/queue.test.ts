/** The console as people use it: the built pages in a browser, the built program behind them. */
import { describe, expect, it } from 'vitest';
import { Server } from '../e2e/server.js';
import { findChromium } from './chromium.js';
import { accessFaults, linkOf, overhang, raise, visit } from './visit.js';

const found = findChromium();
const chromium = found ?? '';

/** What holds the buttons, of the queue and of a finding. */
const OFFERS = { name: /^(For the finding|What to do)/ };

async function busy(agents: readonly string[]): Promise<Server> {
  const server = await Server.start();
  await raise(server, agents);
  return server;
}

describe.skipIf(found === null)('the console', () => {
  it('lets an analyst in by a link and triage by keyboard, while nothing moves under the cursor', async () => {
    const server = await busy(['crm', 'mail', 'search']);
    const { page, complaints } = await visit(chromium, server, 'analyst');
    const rows = page.locator('.row');
    const titles = () => page.locator('.row .what > a').allTextContents();
    const current = page.locator('.row.current');
    await rows.first().waitFor();
    expect(page.url()).toBe(`${server.address}/#/queue`);
    expect(await page.locator('.who').textContent()).toContain('analyst');
    await page.getByText('live', { exact: true }).waitFor();
    const before = await titles();
    expect(before.length).toBeGreaterThanOrEqual(3);

    expect(await page.getByRole('region', OFFERS).count()).toBe(1);
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    expect(await current.locator('.what > a').textContent()).toBe(before[1]);
    await page.keyboard.press('a');
    await current.getByText('new, analyst has it').waitFor();
    await page.keyboard.press('k');
    await page.keyboard.press('e');
    await current.getByText('closed as expected').waitFor();
    expect(await page.locator('.notice').textContent()).toContain('learns that it is usual');

    await raise(server, ['late']);
    await page.getByRole('button', { name: /^\d+ new: show$/ }).waitFor();
    expect(await titles()).toEqual(before);
    expect(await current.locator('.what > a').textContent()).toBe(before[0]);
    await page.keyboard.press('n');
    await page.getByRole('link', { name: /^late/ }).waitFor();
    // What was judged is no longer open.
    expect(await titles()).not.toContain(before[0]);

    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('false positive').waitFor();
    expect(await page.getByRole('dialog').getByText('suspend').count()).toBe(0);
    await page.keyboard.press('Escape');
    expect((await server.ask('/v1/verdicts')).body.verdicts).toMatchObject([{ verdict: 'expected' }]);
    expect((await server.ask('/v1/findings?assignee=analyst')).body.total).toBe(1);
    expect(await accessFaults(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('shows a viewer everything and offers nothing, on a phone too', async () => {
    const server = await busy(['crm']);
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, complaints } = await visit(chromium, server, 'viewer', {
        ...{ colorScheme, viewport: { width: 390, height: 800 } },
      });
      await page.locator('.row').first().waitFor();
      await page.keyboard.press('j');
      await page.keyboard.press('e');
      await page.keyboard.press('s');
      expect(await page.getByRole('region', OFFERS).count()).toBe(0);
      expect([await overhang(page), await accessFaults(page)]).toEqual([0, []]);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Why it was told' }).waitFor();
      await page.getByRole('table').first().waitFor();
      expect(await page.getByText('The finding itself stopped nothing.').count()).toBe(1);
      expect(await page.getByRole('main').getByRole('button').count()).toBe(0);
      expect([await overhang(page), await accessFaults(page)]).toEqual([0, []]);
      expect(complaints).toEqual([]);
    }
    expect((await server.ask('/v1/verdicts')).body.verdicts).toEqual([]);

    const { page } = await visit(chromium, server, 'viewer');
    await page.locator('.row').first().waitFor();
    await server.program.kill();
    await page.getByRole('link', { name: 'High and worse' }).click();
    await page.getByRole('alert').getByText('the server does not answer').waitFor();
    expect(await accessFaults(page)).toEqual([]);
  });

  it('suspends after a question that says whom it befalls, and lets a person go on after their session ended', async () => {
    const server = await busy(['crm']);
    expect(await server.ask('/v1/agents/crm%2Fsub-1', { method: 'PUT', json: { parent: 'crm' } })).toMatchObject({
      status: 200,
    });
    const { page, complaints } = await visit(chromium, server, 'responder');
    await page.locator('.row').first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('s');
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    await expect
      .poll(() => dialog.locator('.consequence').textContent())
      .toMatch(/^Refuses all calls of 1 agent and its 1 sub-agent for 1\sh\.$/);
    expect(await accessFaults(page)).toEqual([]);
    expect((await server.decide('crm')).body.allow).toBe(true);
    await dialog.getByRole('button', { name: 'Suspend crm' }).click();
    await page.getByText('crm is suspended.').first().waitFor();
    expect((await server.decide('crm/sub-1')).body).toMatchObject({ allow: false, status: 'suspended' });

    const there = page.url();
    await page.getByLabel('Comment').fill('half a thought');
    await server.ask('/v1/sessions?person=responder', { method: 'DELETE' });
    await page.getByRole('button', { name: 'Say it' }).click();
    await page.getByText('Your session has ended').waitFor();
    await page.getByLabel('Login link').fill(await linkOf(server, 'responder'));
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('button', { name: 'Release…' }).waitFor();
    expect(page.url()).toBe(there);
    expect(await page.getByLabel('Comment').inputValue()).toBe('half a thought');
    await page.getByRole('button', { name: 'Say it' }).click();
    await page.locator('.timeline').getByText('half a thought').waitFor();

    await page.getByRole('button', { name: 'Release…' }).click();
    await dialog.getByLabel('Reason').fill('it was me');
    await dialog.getByRole('button', { name: 'Release crm' }).click();
    await page.getByText('crm is active: nothing holds it.').waitFor();
    expect((await server.decide('crm')).body.allow).toBe(true);
    await page.keyboard.press('u');
    await page.locator('.row').first().waitFor();
    await page.getByRole('link', { name: 'With notices' }).click();
    await page.waitForURL(/severity=info$/);
    await page.locator('.row').first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Evidence' }).waitFor();
    await page.keyboard.press('u');
    await page.waitForURL(/#\/queue\?severity=info$/);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Login link').fill(`${server.address}/#login=used`);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('this login link was used').waitFor();
    expect(await accessFaults(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
