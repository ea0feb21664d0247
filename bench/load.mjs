/**
 * The client's side, a process of its own: plays a load against an address and answers with what it saw. The parent
 * sends one order at a time: { url, headers, bodies, connections, seconds, rate }. `rate` null is a closed loop, each
 * connection sends its next call when the last was answered; else calls start at that rate whatever the answers do, and
 * a call's time includes its wait for a free connection, so that a slow server cannot hide its queue.
 */
import { Agent, request } from 'node:http';

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
  const { bodies, connections, seconds } = order;
  const times = [];
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  let turn = 0;
  const refused = { count: 0 };
  const connection = async () => {
    for (let sentMs = performance.now(); sentMs < endMs; ) {
      const status = await call(order, bodies[turn++ % bodies.length], agent);
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
  const { bodies, seconds, rate } = order;
  const times = [];
  const refused = { count: 0 };
  const open = [];
  const startMs = performance.now();
  const calls = Math.floor(seconds * rate);
  for (let sent = 0; sent < calls; ) {
    // Timers are coarse: what fell due meanwhile goes out at once. Spinning would take a core from the server.
    await new Promise((wake) => setTimeout(wake, 1));
    const due = Math.min(calls, Math.floor(((performance.now() - startMs) * rate) / 1000));
    for (; sent < due; sent++) {
      const sentMs = performance.now();
      open.push(
        call(order, bodies[sent % bodies.length], agent).then((status) => {
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
