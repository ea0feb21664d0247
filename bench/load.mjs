/**
 * The client's side, a process of its own: plays a load against an address and answers with what it saw. The parent
 * sends one order at a time: { url, headers, bodies, connections, seconds, rate }. `rate` null is a closed loop, each
 * connection sends its next call when the last was answered; else calls start at that rate whatever the answers do, and
 * a call's time includes its wait for a free connection, so that a slow server cannot hide its queue. `ids` is what stands
 * before each id in the bodies: a number is put behind it, another one in each call, so that nothing comes twice.
 */
import { Agent, request } from 'node:http';

const DIGITS = 8;
let calls = 0;

/** The body of each turn. Numbers are written over those of the last time: making bodies anew would take a core's share. */
function createBodies({ bodies, ids }) {
  if (ids === undefined) return (turn) => bodies[turn % bodies.length];
  const numbered = bodies.map((body) => Buffer.from(body.replaceAll(ids, `${ids}${'0'.repeat(DIGITS)}-`)));
  const places = numbered.map((body) => placesBehind(body, ids));
  return (turn) => {
    const at = turn % bodies.length;
    const digits = Buffer.from(String(calls++).padStart(DIGITS, '0'));
    for (const place of places[at]) digits.copy(numbered[at], place);
    return numbered[at];
  };
}

function placesBehind(body, words) {
  const places = [];
  for (let at = body.indexOf(words); at >= 0; at = body.indexOf(words, at + 1)) places.push(at + words.length);
  return places;
}

process.on('message', async (order) => {
  const agent = new Agent({ keepAlive: true, maxSockets: order.connections });
  try {
    process.send(await (order.rate === null ? closedLoop(order, agent) : openLoop(order, agent)));
  } catch (error) {
    process.send({ error: error.message });
  } finally {
    agent.destroy();
  }
});

/** Resolves with the status once the whole answer is there. */
function call({ url, headers }, body, agent) {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) } };
    const sent = request(url, options, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode));
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function closedLoop(order, agent) {
  const { connections, seconds } = order;
  const bodyOf = createBodies(order);
  const times = [];
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  let turn = 0;
  const refused = { count: 0 };
  const connection = async () => {
    for (let sentMs = performance.now(); sentMs < endMs; ) {
      const status = await call(order, bodyOf(turn++), agent);
      const nowMs = performance.now();
      if (status >= 300) refused.count++;
      times.push(nowMs - sentMs);
      sentMs = nowMs;
    }
  };
  await Promise.all(Array.from({ length: connections }, connection));
  return report(times, refused.count, (performance.now() - startMs) / 1000);
}

async function openLoop(order, agent) {
  const { seconds, rate } = order;
  const bodyOf = createBodies(order);
  const times = [];
  const refused = { count: 0 };
  const open = [];
  const startMs = performance.now();
  const all = Math.floor(seconds * rate);
  for (let sent = 0; sent < all; ) {
    // Timers are coarse: what fell due meanwhile goes out at once. Spinning would take a core from the server.
    await new Promise((wake) => setTimeout(wake, 1));
    const due = Math.min(all, Math.floor(((performance.now() - startMs) * rate) / 1000));
    for (; sent < due; sent++) {
      const sentMs = performance.now();
      open.push(
        call(order, bodyOf(sent), agent).then((status) => {
          if (status >= 300) refused.count++;
          times.push(performance.now() - sentMs);
        }),
      );
    }
  }
  await Promise.all(open);
  return report(times, refused.count, (performance.now() - startMs) / 1000);
}

function report(times, refused, seconds) {
  const sorted = Float64Array.from(times).sort();
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { calls: times.length, refused, perSecond: times.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}
