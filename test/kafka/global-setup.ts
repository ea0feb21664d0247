/**
 * One broker for a whole run of the tests: started when the first test file asks for it, stopped with the run. The
 * files run in processes of their own, so they ask over HTTP on loopback.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { brokerMissing, type ChildBroker, type Listeners, startBroker } from './child-broker.js';

/** What the one who asks is told. */
export type BrokerAnswer = { readonly found: Listeners } | { readonly missing: string };

declare module 'vitest' {
  interface ProvidedContext {
    /** Port of the one to ask for a broker. */
    kafkaPort: number;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let starting: Promise<ChildBroker> | null = null;
  let missing: string | null | undefined;
  let refused = 0;
  const answer = async (): Promise<BrokerAnswer> => {
    const given = process.env['KAFKA_BROKERS'];
    if (given !== undefined) return { found: { brokers: given.split(','), sasl: null, tls: null, certificate: null } };
    missing ??= brokerMissing();
    if (missing !== null) {
      refused += 1;
      return { missing };
    }
    starting ??= startBroker({ sasl: true, tls: true });
    const { brokers, sasl, tls, certificate } = await starting;
    return { found: { brokers, sasl, tls, certificate } };
  };
  const server = createServer((_request, response) => {
    const say = (status: number, value: unknown) => response.writeHead(status).end(JSON.stringify(value));
    answer().then(
      (value) => say(200, value),
      (error) => say(500, { missing: String(error) }),
    );
  });
  project.provide('kafkaPort', await listen(server));
  return async () => {
    server.close();
    server.closeAllConnections();
    await starting?.then(
      (broker) => broker.stop(),
      () => {},
    );
    if (refused > 0) console.warn(`\nSKIPPED: the tests of ${refused} files that need Kafka: ${missing}\n`);
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
