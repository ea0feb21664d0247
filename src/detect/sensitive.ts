/**
 * Words in an endpoint's name that say it can do lasting harm. A prior, not a rule: an endpoint the agent has never
 * used weighs more when its name holds one of these, and nothing happens to an endpoint that it has adopted.
 */
const WORDS = [
  'secret',
  'credential',
  'password',
  'accesskey',
  'access_key',
  'apikey',
  'api_key',
  'token',
  'iam:',
  'role',
  'policy',
  'permission',
  'privilege',
  'admin',
  'sudo',
  'delete',
  'destroy',
  'drop',
  'purge',
  'transfer',
  'payment',
  'refund',
  'export',
  'exec',
  'shell',
  'deploy',
];

/** Whether an endpoint's name holds a sensitive word, whatever the case. */
export function isSensitive(endpoint: string): boolean {
  const name = endpoint.toLowerCase();
  return WORDS.some((word) => name.includes(word));
}
