// A whole adapter in TypeScript, without dependencies. It answers what its engine can answer, names what it lacks, and agrees with the model
// on the rest. To put your implementation under test, replace `decide`, and drop a `Skipped` wherever your implementation has an answer.

import { createInterface } from 'node:readline'

interface Statement { Effect: string; Action: string | string[]; Resource: string | string[] }
interface EvaluatorRequest { principal: unknown; action: string; resource: string; resource_account?: string; context?: Record<string, unknown> }
interface Policies { identity?: unknown[]; resource?: unknown }
interface Question { request?: EvaluatorRequest; policies?: Policies }
interface Line { cmd: string; seq?: number; evaluate?: Question }

/** The engine lacks a capability that the request needs. Name the capability, never the case. */
class Skipped extends Error {}

const HELLO = {
  protocol: 1,
  // Known divergences are kept under this name: expectations/example-typescript.toml.
  implementation: { name: 'example-typescript', version: '1' },
  // What it can be asked. Requests with a boundary, a session policy, SCPs … are not sent to an adapter that does not name them.
  capabilities: ['evaluate'],
  // What it stands for. It does not say which policy a message would blame.
  compare: 'decision'
}

async function main(): Promise<void> {
  for await (const text of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const line = JSON.parse(text) as Line
    if (line.cmd === 'bye') break
    // One line a question. Logs go to standard error.
    process.stdout.write(JSON.stringify(answerTo(line)) + '\n')
  }
}

function answerTo(line: Line): object {
  if (line.cmd === 'hello') return HELLO
  const question = line.evaluate
  if (line.cmd !== 'evaluate' || !question?.request) return { seq: line.seq, unsupported: true }
  try {
    return { seq: line.seq, decision: decide(question.request, question.policies ?? {}) }
  } catch (error) {
    if (error instanceof Skipped) return { seq: line.seq, skipped: error.message }
    throw error // A fault of the adapter: the process ends, and the harness says so.
  }
}

/** The engine: identity-based policies of users on S3, with Effect, Action and Resource. */
function decide(request: EvaluatorRequest, policies: Policies): string {
  if (typeof request.principal !== 'string' || !request.principal.includes(':user/')) throw new Skipped('principals_other_than_users')
  if (!request.action.startsWith('s3:') || 'resource' in policies || 'resource_account' in request) throw new Skipped('resource_policies')
  if (request.resource.includes('*') || !request.resource.startsWith('arn:aws:s3:::')) throw new Skipped('resources_other_than_objects')
  // Every policy is read before any is asked: what cannot be read must not hide behind a denial.
  const statements = (policies.identity ?? []).flatMap(statementsOf)
  const effects = statements
    .filter(({ actions }) => actions.some((action) => matches(action.toLowerCase(), request.action.toLowerCase())))
    .filter(({ resources }) => resources.some((resource) => matches(resource, request.resource)))
    .map(({ effect }) => effect)
  if (effects.includes('Deny')) return 'explicit_deny'
  return effects.includes('Allow') ? 'allow' : 'implicit_deny'
}

/** Effect, actions and resources of each statement. A policy is an object, or a text that is to be parsed as it stands. */
function statementsOf(policy: unknown): { effect: string; actions: string[]; resources: string[] }[] {
  if (!isObject(policy) || !Object.keys(policy).every((key) => ['Version', 'Statement'].includes(key))) throw new Skipped('policy_grammar')
  const statements = [policy['Statement']].flat()
  if (![undefined, '2008-10-17', '2012-10-17'].includes(policy['Version'] as string) || statements.length === 0) throw new Skipped('policy_grammar')
  return statements.map((statement) => {
    if (!isObject(statement) || Object.keys(statement).sort().join() !== 'Action,Effect,Resource') throw new Skipped('policy_grammar')
    const { Effect, Action, Resource } = statement as unknown as Statement
    const [actions, resources] = [listed(Action), listed(Resource)]
    const plain =
      ['Allow', 'Deny'].includes(Effect) &&
      actions.every((action) => /^(\*|s3:[A-Za-z*?]+)$/.test(action)) &&
      resources.every((resource) => /^(\*|arn:aws:s3:::[a-z0-9./*?-]+)$/.test(resource))
    if (!plain) throw new Skipped('policy_grammar')
    return { effect: Effect, actions, resources }
  })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function listed(value: unknown): string[] {
  const values: unknown[] = Array.isArray(value) ? value : [value]
  if (values.length === 0 || !values.every((one) => typeof one === 'string')) throw new Skipped('policy_grammar')
  return values as string[]
}

function matches(pattern: string, text: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')
  return new RegExp(`^${escaped}$`, 's').test(text)
}

await main()
