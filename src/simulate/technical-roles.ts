/** Roles that build, run, measure and look things up. Data only; role.ts says what the members mean. */
import type { Role } from './role.js';
import { COLLEAGUE_MAIL, fixed, HTTP, NONE, own, perCase, SEARCH, shared, task, tool } from './role-parts.js';

/** Fixes and reviews code; delegates exploration. */
export const CODING: Role = {
  name: 'coding-agent',
  prefix: 'coding',
  owner: 'platform',
  labels: ['internal', 'writes-code'],
  models: ['claude-sonnet-4'],
  curve: 'office',
  sessionsPerDay: [8, 14],
  rhythm: 'sessions',
  promptTokens: 4200,
  growthTokens: 900,
  outputTokens: 260,
  tools: [
    tool('repo.search', own('repo/{word}-{word}', 6, 0.03), 140, 70, SEARCH),
    tool('file.read', own('src/{word}/{word}.ts', 60, 0.08), 25, 60),
    tool('file.edit', own('src/{word}/{word}.ts', 60, 0.08), 40, 900, { errorShare: 0.03 }),
    tool('shell.test', own('repo/{word}-{word}', 6, 0.03), 14000, 90, { errorShare: 0.12 }),
    tool('shell.lint', own('repo/{word}-{word}', 6, 0.03), 3200, 70, { errorShare: 0.06 }),
    tool('git.diff', own('repo/{word}-{word}', 6, 0.03), 60, 50),
    tool('git.commit', own('repo/{word}-{word}', 6, 0.03), 90, 300),
    tool('git.push', own('repo/{word}-{word}', 6, 0.03), 900, 2600, { errorShare: 0.02 }),
    tool('pr.open', own('repo/{word}-{word}', 6, 0.03), 640, 1500),
    tool('pr.comment', perCase('pull/#####'), 320, 600),
    tool('issue.read', perCase('issue/#####'), 210, 60),
    tool('package.lookup', own('pkg/{word}-{word}', 25, 0.15), 260, 60, HTTP),
  ],
  tasks: [
    task(
      'fix',
      4,
      'issue.read repo.search file.read* file.edit* shell.test shell.lint? git.diff git.commit git.push pr.open',
    ),
    task('review', 3, 'git.diff file.read* file.read? shell.test? pr.comment'),
    task('explore', 1.5, '> repo.search file.read* > file.read* pr.comment?'),
    task('upgrade', 1, 'package.lookup* file.edit shell.test* git.commit git.push pr.open'),
  ],
  subTask: 'repo.search file.read* file.read?',
};

/** Answers alerts around the clock, in clumps; holds privileges. */
export const OPS: Role = {
  name: 'ops-agent',
  prefix: 'ops',
  owner: 'infrastructure',
  labels: ['internal', 'privileged'],
  models: ['claude-sonnet-4', 'gpt-4o'],
  curve: 'around-the-clock',
  sessionsPerDay: [10, 18],
  rhythm: 'bursts',
  promptTokens: 2600,
  growthTokens: 700,
  outputTokens: 150,
  tools: [
    tool('alerts.list', fixed('pager/primary'), 100, 60),
    tool('metrics.query', shared('host/{word}-##', 12), 240, 140, SEARCH),
    tool('logs.search', shared('host/{word}-##', 12), 620, 160, SEARCH),
    tool('k8s.get', shared('cluster/{word}', 3), 180, 70),
    tool('k8s.describe', shared('cluster/{word}', 3), 260, 80),
    tool('k8s.restart', shared('cluster/{word}', 3), 900, 120, { errorShare: 0.03 }),
    tool('k8s.scale', shared('cluster/{word}', 3), 700, 120, { errorShare: 0.02 }),
    tool('ssh.run', shared('host/{word}-##', 12), 1400, 180, { errorShare: 0.04 }),
    tool('dns.lookup', own('{word}.svc.house.example', 12, 0.05), 30, 40),
    tool('runbook.read', shared('runbook/{word}', 14), 80, 50, SEARCH),
    tool('incident.update', perCase('INC-#####'), 190, 520),
    tool('chat.post', fixed('#ops', '#incidents'), 210, 380),
  ],
  tasks: [
    task('triage', 5, 'alerts.list metrics.query* logs.search* runbook.read? incident.update chat.post?'),
    task('restart', 2, 'alerts.list k8s.get k8s.describe logs.search k8s.restart metrics.query incident.update'),
    task('scale', 1.5, 'metrics.query* k8s.get k8s.scale metrics.query chat.post'),
    task('host check', 2, 'ssh.run* metrics.query dns.lookup? incident.update?'),
  ],
  subTask: null,
};

/** Reads the web and papers; most of what it reaches is new; delegates. */
export const RESEARCH: Role = {
  name: 'research-assistant',
  prefix: 'research',
  owner: 'strategy',
  labels: ['internal', 'reads-web'],
  models: ['claude-sonnet-4', 'gpt-4o'],
  curve: 'office',
  sessionsPerDay: [5, 9],
  rhythm: 'sessions',
  promptTokens: 3000,
  growthTokens: 1800,
  outputTokens: 380,
  tools: [
    tool('web.search', NONE, 900, 90, SEARCH),
    tool('web.fetch', own('https://{company}.example/{word}/{word}', 30, 0.6), 1300, 110, {
      ...HTTP,
      errorShare: 0.06,
    }),
    tool('paper.search', NONE, 1100, 90, SEARCH),
    tool('paper.read', own('doi/10.####/{word}', 20, 0.5), 1600, 80),
    tool('notes.write', own('notes/{word}', 12, 0.15), 60, 1300),
    tool('notes.read', own('notes/{word}', 12, 0.15), 40, 50),
    tool('doc.publish', fixed('space/strategy'), 500, 14000),
    tool('mail.send', COLLEAGUE_MAIL, 300, 1800),
  ],
  tasks: [
    task('brief', 4, 'notes.read? web.search* web.fetch* web.fetch* notes.write doc.publish? mail.send?'),
    task('survey', 2, 'paper.search* paper.read* > > paper.read* notes.write* doc.publish'),
    task('check', 2, 'web.search web.fetch* mail.send'),
  ],
  subTask: 'web.search web.fetch* web.fetch notes.write',
};

/** Queries databases; slow tools that often fail. */
export const ANALYST: Role = {
  name: 'data-analyst',
  prefix: 'analyst',
  owner: 'data',
  labels: ['internal', 'reads-personal-data'],
  models: ['gpt-4o', 'claude-sonnet-4'],
  curve: 'office',
  sessionsPerDay: [9, 16],
  rhythm: 'sessions',
  promptTokens: 2400,
  growthTokens: 620,
  outputTokens: 210,
  tools: [
    tool('warehouse.schema', shared('db/{word}', 7), 90, 50),
    tool('warehouse.query', shared('db/{word}', 7), 4200, 320, { errorShare: 0.05 }),
    tool('python.run', NONE, 2600, 1400, { errorShare: 0.07 }),
    tool('chart.render', NONE, 800, 900),
    tool('sheet.write', own('sheet/{word}-{word}', 9, 0.12), 420, 5200),
    tool('bucket.upload', shared('bucket/{word}', 3), 900, 60000),
    tool('catalogue.search', NONE, 130, 60, SEARCH),
    tool('mail.send', COLLEAGUE_MAIL, 300, 1600),
  ],
  tasks: [
    task('question', 5, 'catalogue.search? warehouse.schema warehouse.query* python.run? chart.render? mail.send'),
    task('report', 3, 'warehouse.query* python.run* chart.render* sheet.write mail.send'),
    task('extract', 1, 'warehouse.schema warehouse.query bucket.upload sheet.write?'),
  ],
  subTask: null,
};

/** Checks health on the beat; no model. */
export const PROBE: Role = {
  name: 'health-probe',
  prefix: 'probe',
  owner: 'infrastructure',
  labels: ['internal', 'machine-paced'],
  models: [],
  curve: 'around-the-clock',
  sessionsPerDay: [90, 110],
  rhythm: 'metronome',
  promptTokens: 0,
  growthTokens: 0,
  outputTokens: 0,
  tools: [
    tool('http.get', fixed('https://shop.house.example/health', 'https://api.house.example/health'), 85, 40, {
      operation: 'http',
      errorShare: 0.002,
    }),
    tool('http.post', fixed('https://api.house.example/echo'), 120, 300, { operation: 'http', errorShare: 0.002 }),
    tool('tls.check', fixed('shop.house.example', 'api.house.example'), 140, 40),
    tool('dns.lookup', fixed('shop.house.example', 'api.house.example'), 20, 40),
    tool('status.write', fixed('status/shop'), 60, 160),
  ],
  tasks: [
    task('round', 40, 'http.get http.post status.write'),
    task('certificates', 1, 'dns.lookup tls.check status.write'),
  ],
  subTask: null,
};
