/** The catalogue: what each bench is for, its file, and the flags its process needs. */
export const BENCHES = {
  replay: {
    file: './replay.mjs',
    about: 'a recording through everything that `killdeer replay` does, beside unpacking, splitting and JSON.parse',
  },
  engine: {
    file: './engine.mjs',
    about: 'decoded events through the engine alone, for fleets of 100, 10,000 and 100,000 agents',
  },
  shows: {
    file: './shows.mjs',
    about: 'what detection must show on seeded agents: bursts, ramps, healthy weeks, newcomers, planted features',
  },
  memory: {
    file: './memory.mjs',
    about: 'what an engine with 100,000 agents takes',
    flags: ['--expose-gc'],
  },
  decide: {
    file: './decide.mjs',
    about: 'POST /v1/decide while a thread scores at full speed, beside a bare Fastify route under the same load',
  },
  triage: {
    file: './triage.mjs',
    about:
      'lists, findings, cases and agents of the API with 100,000 findings and 10,000 agents, beside a bare Fastify route',
  },
  nginx: {
    file: './nginx.mjs',
    about: 'from a stop to the first call that a real nginx refuses, beside /v1/decide itself asked in the same way',
  },
  ingest: {
    file: './ingest.mjs',
    about: 'POST /v1/events until durable, beside the log alone with the same records',
  },
  log: {
    file: './log.mjs',
    about: 'the file log, beside write with fdatasync and read of the same bytes',
  },
  'kafka': {
    file: './kafka.mjs',
    about:
      'a topic through the role score, beside a bare kafkajs consumer that parses it (KAFKA_BROKERS, or a broker of its own)',
  },
  'kafka-stop': {
    file: './kafka-stop.mjs',
    about:
      'from the send of an event to the denial of its agent at 5,000 events a second, roles in processes of their own',
  },
  'kafka-restore': {
    file: './kafka-restore.mjs',
    about: 'a new process takes 100,000 agents over',
  },
};
