/** Roles that serve customers, money and people. Data only; role.ts says what the members mean. */
import type { Role } from './role.js';
import { COLLEAGUE_MAIL, fixed, HTTP, NONE, own, perCase, SEARCH, shared, task, tool } from './role-parts.js';

/** Answers customers about orders and refunds; nearly every session is about a new customer. */
export const SUPPORT: Role = {
  name: 'support-agent',
  prefix: 'support',
  owner: 'customer-care',
  labels: ['customer-facing'],
  models: ['gpt-4o-mini', 'claude-3-5-haiku'],
  curve: 'shop',
  sessionsPerDay: [14, 26],
  rhythm: 'sessions',
  promptTokens: 1400,
  growthTokens: 260,
  outputTokens: 110,
  tools: [
    tool('crm.get_customer', perCase('CUS-######'), 110, 90),
    tool('crm.add_note', perCase('CUS-######'), 140, 420),
    tool('orders.list', perCase('CUS-######'), 160, 80),
    tool('orders.get', perCase('ORD-#######'), 130, 80),
    tool('orders.cancel', perCase('ORD-#######'), 240, 120),
    tool('shipping.track', perCase('ORD-#######'), 420, 70, { errorShare: 0.03 }),
    tool('refunds.check', perCase('ORD-#######'), 180, 110),
    tool('refunds.issue', perCase('ORD-#######'), 380, 160, { errorShare: 0.015 }),
    tool('policy.search', fixed('returns', 'warranty', 'shipping', 'privacy'), 90, 60, SEARCH),
    tool('ticket.update', perCase('TCK-#######'), 120, 260),
    tool('ticket.escalate', fixed('queue/tier-2', 'queue/billing', 'queue/legal'), 150, 380),
    tool('mail.send', perCase('{first}.{last}@{company}.example'), 310, 1400),
  ],
  tasks: [
    task('where is my order', 5, 'crm.get_customer orders.list? orders.get shipping.track ticket.update mail.send?'),
    task(
      'refund',
      3,
      'crm.get_customer orders.get policy.search? refunds.check refunds.issue? mail.send ticket.update',
    ),
    task('cancel', 1.5, 'crm.get_customer orders.get orders.cancel mail.send ticket.update'),
    task('question', 3, 'policy.search* mail.send ticket.update?'),
    task('complaint', 1, 'crm.get_customer orders.list orders.get* crm.add_note ticket.escalate'),
  ],
  subTask: null,
};

/** Pays invoices; a steady circle of vendors and accounts. */
export const FINANCE: Role = {
  name: 'finance-clerk',
  prefix: 'finance',
  owner: 'accounting',
  labels: ['moves-money'],
  models: ['gpt-4o'],
  curve: 'office',
  sessionsPerDay: [12, 20],
  rhythm: 'sessions',
  promptTokens: 2100,
  growthTokens: 420,
  outputTokens: 120,
  tools: [
    tool('inbox.read', fixed('inbox/invoices'), 90, 60),
    tool('invoice.parse', perCase('INV-#######'), 1900, 120, { errorShare: 0.02 }),
    tool('vendor.lookup', own('vendor/{company}', 22, 0.03), 130, 70),
    tool('ledger.read', shared('ledger/{word}', 5), 120, 60),
    tool('ledger.post', shared('ledger/{word}', 5), 210, 340),
    tool('payment.prepare', own('account/{company}-####', 22, 0.03), 240, 260),
    tool('payment.send', own('account/{company}-####', 22, 0.03), 780, 260, { errorShare: 0.012 }),
    tool('approval.request', own('{first}.{last}@house.example', 4, 0), 260, 420),
    tool('report.export', fixed('share/finance'), 700, 9000),
    tool('mail.send', own('accounts@{company}.example', 22, 0.03), 300, 1200),
  ],
  tasks: [
    task(
      'pay invoice',
      5,
      'inbox.read invoice.parse vendor.lookup ledger.read approval.request? payment.prepare payment.send ledger.post',
    ),
    task('answer vendor', 2, 'inbox.read vendor.lookup ledger.read* mail.send'),
    task('reconcile', 2, 'ledger.read* ledger.read ledger.post? report.export?'),
    task('close', 0.6, 'ledger.read* ledger.post* report.export mail.send'),
  ],
  subTask: null,
};

/** The web shop's chat: many short talks, few tools. */
export const CHAT: Role = {
  name: 'chat-service',
  prefix: 'chat',
  owner: 'web-shop',
  labels: ['customer-facing', 'high-volume'],
  models: ['gpt-4o-mini'],
  curve: 'shop',
  sessionsPerDay: [150, 260],
  rhythm: 'sessions',
  promptTokens: 900,
  growthTokens: 120,
  outputTokens: 140,
  tools: [
    tool('embed.query', NONE, 45, 400, { operation: 'embeddings', errorShare: 0.003 }),
    tool('faq.search', fixed('index/faq', 'index/catalogue'), 60, 70, SEARCH),
    tool('cart.read', perCase('cart/########'), 70, 50),
    tool('handover.create', fixed('queue/support'), 180, 500),
    tool('feedback.store', NONE, 50, 90),
  ],
  tasks: [
    task('talk', 30, ''),
    task('faq', 2, 'embed.query faq.search'),
    task('cart', 1, 'cart.read'),
    task('handover', 0.4, 'handover.create'),
  ],
  subTask: null,
};

/** Prepares and follows up customer contacts; works in clumps. */
export const SALES: Role = {
  name: 'sales-assistant',
  prefix: 'sales',
  owner: 'sales',
  labels: ['customer-facing'],
  models: ['gpt-4o'],
  curve: 'office',
  sessionsPerDay: [10, 18],
  rhythm: 'bursts',
  promptTokens: 1900,
  growthTokens: 380,
  outputTokens: 190,
  tools: [
    tool('crm.search', NONE, 150, 80, SEARCH),
    tool('crm.get_account', own('account/{company}', 40, 0.12), 120, 70),
    tool('crm.update', own('account/{company}', 40, 0.12), 170, 420),
    tool('calendar.free', COLLEAGUE_MAIL, 130, 60),
    tool('calendar.invite', own('{first}.{last}@{company}.example', 40, 0.25), 260, 500),
    tool('quote.create', perCase('QUO-######'), 520, 900),
    tool('enrich.company', own('{company}.example', 40, 0.25), 700, 60, HTTP),
    tool('mail.send', own('{first}.{last}@{company}.example', 40, 0.25), 310, 1500),
  ],
  tasks: [
    task('prepare', 4, 'crm.search crm.get_account enrich.company? crm.update'),
    task('follow up', 4, 'crm.get_account mail.send crm.update calendar.free? calendar.invite?'),
    task('quote', 2, 'crm.get_account quote.create mail.send crm.update'),
  ],
  subTask: null,
};

/** Answers colleagues about leave, letters and the handbook. */
export const HR: Role = {
  name: 'people-assistant',
  prefix: 'people',
  owner: 'people',
  labels: ['internal', 'reads-personal-data'],
  models: ['gpt-4o-mini'],
  curve: 'office',
  sessionsPerDay: [7, 13],
  rhythm: 'sessions',
  promptTokens: 1700,
  growthTokens: 340,
  outputTokens: 150,
  tools: [
    tool('directory.get', own('person/{first}.{last}', 60, 0.2), 90, 50),
    tool('leave.balance', own('person/{first}.{last}', 60, 0.2), 110, 50),
    tool('leave.book', own('person/{first}.{last}', 60, 0.2), 220, 160),
    tool('handbook.search', NONE, 80, 60, SEARCH),
    tool('form.fill', perCase('form/#####'), 260, 800),
    tool('payroll.read', shared('payroll/{word}', 3), 190, 60),
    tool('mail.send', COLLEAGUE_MAIL, 300, 1100),
  ],
  tasks: [
    task('leave', 5, 'directory.get leave.balance leave.book? mail.send'),
    task('question', 4, 'handbook.search* mail.send?'),
    task('letter', 1.5, 'directory.get payroll.read form.fill mail.send'),
  ],
  subTask: null,
};
