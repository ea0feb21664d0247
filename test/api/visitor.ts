/** A browser of the tests: it keeps its cookies, and says where its pages come from. */
import type { InjectOptions } from 'fastify';
import type { InjectAnswer, World } from './world.js';

export interface Visitor {
  /** As the header says it; '' where there is none. */
  cookie(): string;
  csrf: string | null;
  call(options: InjectOptions): Promise<InjectAnswer>;
  /** With everything that a page of ours sends. */
  write(options: InjectOptions): Promise<InjectAnswer>;
}

export function visitorOf(world: World): Visitor {
  const jar = new Map<string, string>();
  const cookie = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const visitor: Visitor = {
    cookie,
    csrf: null,
    async call(options) {
      const own = jar.size === 0 ? {} : { cookie: cookie() };
      const answer = await world.app.inject({ ...options, headers: { ...own, ...options.headers } });
      for (const { name, value, maxAge } of answer.cookies as { name: string; value: string; maxAge?: number }[]) {
        if (maxAge === 0) jar.delete(name);
        else jar.set(name, value);
      }
      return answer;
    },
    write(options) {
      const headers = {
        'x-killdeer-csrf': visitor.csrf ?? '',
        'origin': 'http://localhost',
        'sec-fetch-site': 'same-origin',
      };
      return visitor.call({ ...options, headers: { ...headers, host: 'localhost', ...options.headers } });
    },
  };
  return visitor;
}

/** The code of a login link, made by a token. */
export async function codeOf(world: World, token: string, roles?: readonly string[]): Promise<string> {
  const payload = roles === undefined ? {} : { roles };
  const answer = await world.call(token, { method: 'POST', url: '/v1/login-links', payload });
  if (answer.statusCode !== 201) throw new Error(answer.body);
  return answer.json().path.split('=')[1];
}

/** Logged in by a link of a token. */
export async function visitorBy(world: World, token: string, roles?: readonly string[]): Promise<Visitor> {
  const visitor = visitorOf(world);
  const payload = { code: await codeOf(world, token, roles) };
  const answer = await visitor.call({ method: 'POST', url: '/v1/sessions', payload });
  visitor.csrf = answer.json().csrf;
  return visitor;
}
