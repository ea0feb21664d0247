import type { FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { createEnter, createIsWelcome } from '../../src/api/door.js';
import { createSessions, SESSION_IDLE_MS } from '../../src/api/sessions.js';
import { PLAIN_SITE } from '../../src/api/site.js';
import { IDENTITIES, NOW_MS } from './world.js';

const viewer = IDENTITIES['viewer'] ?? null;

function doors() {
  const mood = { nowMs: NOW_MS, isLiving: true };
  const sessions = createSessions(
    () => mood.nowMs,
    () => mood.isLiving,
  );
  const authenticate = (header: string | undefined) => (mood.isLiving && header === 'Bearer viewer' ? viewer : null);
  const parts = { authenticate, sessions, site: PLAIN_SITE, bearer: null };
  const isWelcome = createIsWelcome(parts);
  const enter = (headers: object) => {
    const request = { headers, session: null, identity: null } as unknown as FastifyRequest;
    request.identity = createEnter(parts)(request) as FastifyRequest['identity'];
    return request;
  };
  return { mood, sessions, enter, isWelcome };
}

describe('whoever is given a long answer', () => {
  it('is welcome as long as the token lives', () => {
    const { mood, enter, isWelcome } = doors();
    const request = enter({ authorization: 'Bearer viewer' });
    expect(request.identity).toBe(viewer);
    expect(isWelcome(request)).toBe(true);
    mood.isLiving = false;
    expect(isWelcome(request)).toBe(false);
  });

  it('is welcome as long as the session lives, which being asked for does not keep awake', () => {
    const { mood, sessions, enter, isWelcome } = doors();
    const { secret } = sessions.open(viewer as NonNullable<typeof viewer>, 'link');
    const request = enter({ cookie: `killdeer=${secret}` });
    expect(request.identity).toBe(viewer);
    mood.nowMs += SESSION_IDLE_MS - 1;
    expect(isWelcome(request)).toBe(true);
    mood.nowMs += 1;
    expect(isWelcome(request)).toBe(false);
  });

  it('is welcome no more once logged out, or once the token behind the session is gone', () => {
    const { mood, sessions, enter, isWelcome } = doors();
    const opened = [0, 1].map(() => sessions.open(viewer as NonNullable<typeof viewer>, 'link'));
    const [first, second] = opened.map(({ secret }) => enter({ cookie: `killdeer=${secret}` }));
    sessions.close(opened[0]?.session as NonNullable<FastifyRequest['session']>);
    expect([first, second].map((request) => isWelcome(request as FastifyRequest))).toEqual([false, true]);
    mood.isLiving = false;
    expect(isWelcome(second as FastifyRequest)).toBe(false);
  });
});
