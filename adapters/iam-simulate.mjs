// Asks @cloud-copilot/iam-simulate, a policy simulator in TypeScript (AGPL-3.0-or-later, installed by the user with `npm ci --prefix
// adapters`, never part of Countersign), what it makes of an evaluator request. Only the translation is here; what the simulator cannot
// be told is skipped by the name of the capability. iam-simulate.md lists these and what became of every disagreement.

import { createRequire } from 'node:module'
import { runSimulation, typeForContextKey, isConditionKeyArray } from '@cloud-copilot/iam-simulate'
import { Skipped, Unusable, serve } from './stdio.mjs'

const ANONYMOUS = { type: 'Anonymous' }
const DECISIONS = { Allowed: 'allow', ExplicitlyDenied: 'explicit_deny', ImplicitlyDenied: 'implicit_deny' }

/** Refusals of the simulator that say what it cannot be asked, rather than something about the policies. */
const LACKING = {
  'invalid.action': 'unknown_action',
  'invalid.service': 'unknown_action',
  'must.use.wildcard': 'resource_of_wildcard_action',
  'no.resource.types': 'resource_type',
  'multiple.resource.types': 'resource_type',
  'session.policy.invalid.principal': 'session_policy_of_user',
  'anonymous.policies.invalid': 'policies_of_anonymous',
  'anonymous.sessionPolicy.invalid': 'policies_of_anonymous',
  'anonymous.identityPolicies.invalid': 'policies_of_anonymous',
  'anonymous.permissionBoundaryPolicies.invalid': 'policies_of_anonymous',
  'anonymous.serviceControlPolicies.invalid': 'policies_of_anonymous'
}

await serve(
  {
    implementation: { name: 'iam-simulate', version: version() },
    capabilities: ['evaluate', 'permissions_boundary', 'session', 'scp', 'rcp', 'vpc_endpoint'],
    compare: 'decision'
  },
  evaluate
)

async function evaluate({ request, policies = {}, ...facts }) {
  // Facts beside request and policies, such as who has which canonical user id: the simulator takes none.
  const fact = Object.keys(facts).find((name) => Object.keys(facts[name] ?? {}).length > 0)
  if (fact) throw new Skipped(fact)
  const mentioned = JSON.stringify(policies).toLowerCase()
  const simulation = {
    request: {
      principal: principalOf(request.principal),
      action: request.action,
      resource: { resource: resourceOf(request), accountId: ownerOf(request) },
      contextVariables: await contextOf(request, mentioned)
    },
    identityPolicies: named('identity', policies.identity ?? []),
    sessionPolicy: sessionPolicyOf(policies.session),
    permissionBoundaryPolicies: policies.permissions_boundary
      ? named('permissions_boundary', [policies.permissions_boundary])
      : undefined,
    resourcePolicy: policies.resource ? document('resource', policies.resource) : undefined,
    serviceControlPolicies: levels('service_control', policies.service_control ?? []),
    resourceControlPolicies: levels('resource_control', policies.resource_control ?? []).map(withoutFullAccess),
    vpcEndpointPolicies: policies.vpc_endpoint ? named('vpc_endpoint', [policies.vpc_endpoint.policy]) : undefined
  }
  const outcome = await runSimulation(simulation, { simulationMode: 'Strict' }).catch((error) => {
    throw new Unusable(undefined, `the simulator throws: ${error.message}`)
  })
  if (outcome.resultType === 'error') refuse(outcome.errors)
  if (outcome.resultType !== 'single') throw new Skipped('wildcard_resource')
  // The simulator drops keys that its service data does not list for the action; that matters where a policy asks for one.
  const ignored = outcome.result.ignoredContextKeys ?? []
  if (ignored.some((key) => mentioned.includes(key.toLowerCase()))) throw new Skipped('context_key_of_action')
  return {
    decision: DECISIONS[outcome.overallResult],
    explain: explain(outcome.result.analysis)
  }
}

/** The principal as the simulator takes it: an ARN, a service's name, or nobody. */
function principalOf(principal) {
  if (typeof principal === 'string') return principal === 'anonymous' ? ANONYMOUS : principal
  if (principal.service) return principal.service
  if (principal.federated) throw new Skipped('federated_principal')
  throw new Skipped('federated_user_maker')
}

function resourceOf(request) {
  // In a request a star is a star; the simulator takes it for a pattern.
  if (request.resource !== '*' && request.resource.includes('*')) throw new Skipped('wildcard_resource')
  return request.resource
}

/** Owner of the resource: as given, else the ARN's account, else the caller's own. */
function ownerOf(request) {
  const account = request.resource_account ?? field(request.resource, 4) ?? accountOf(request.principal)
  if (!account) throw new Skipped('resource_account')
  return account
}

function accountOf(principal) {
  return typeof principal === 'string' ? field(principal, 4) : undefined
}

function field(arn, position) {
  return arn.split(':')[position] || undefined
}

/** The condition keys: those that follow from principal and resource, then those given; null removes one. */
async function contextOf(request, mentioned) {
  const keys = new Map()
  const set = (name, value) => keys.set(name.toLowerCase(), [name, value])
  for (const [name, value] of Object.entries(derivedKeys(request))) set(name, value)
  const spelled = new Set()
  for (const [name, value] of Object.entries(request.context ?? {})) {
    if (spelled.has(name.toLowerCase())) throw new Skipped('ambiguous_context_key')
    spelled.add(name.toLowerCase())
    if (value === null) {
      keys.delete(name.toLowerCase())
    } else if (Array.isArray(value)) {
      // The simulator takes the first of a list where it knows the key as single-valued.
      if (!isConditionKeyArray(await typeOf(name)) && mentioned.includes(name.toLowerCase())) {
        throw new Skipped('list_for_single_valued_key')
      }
      set(name, value.map(String))
    } else {
      set(name, isConditionKeyArray(await typeOf(name)) ? [String(value)] : String(value))
    }
  }
  return Object.fromEntries(keys.values())
}

async function typeOf(name) {
  try {
    return await typeForContextKey(name.toLowerCase())
  } catch {
    return 'String' // A key it does not know; if a policy names it, the request is skipped.
  }
}

function derivedKeys({ principal, resource, resource_account }) {
  const keys = { 'aws:ViaAWSService': 'false' }
  const account = accountOf(principal)
  const owner = resource_account ?? field(resource, 4) ?? account
  if (owner) keys['aws:ResourceAccount'] = owner
  if (principal.service) {
    return { ...keys, 'aws:PrincipalIsAWSService': 'true', 'aws:PrincipalServiceName': principal.service }
  }
  if (principal === 'anonymous') {
    return { ...keys, 'aws:PrincipalAccount': 'anonymous', 'aws:PrincipalType': 'Anonymous', 'aws:userid': 'anonymous' }
  }
  Object.assign(keys, { 'aws:PrincipalAccount': account, 'aws:PrincipalIsAWSService': 'false', 'aws:PrincipalArn': principal })
  const [kind, ...rest] = field(principal, 5).split('/')
  if (kind === 'root') return { ...keys, 'aws:PrincipalType': 'Account', 'aws:userid': account }
  const name = rest.at(-1)
  if (kind === 'user') {
    return { ...keys, 'aws:PrincipalType': 'User', 'aws:username': name, 'aws:userid': 'AIDAUNKNOWNUSERID000' }
  }
  if (kind === 'federated-user') return { ...keys, 'aws:PrincipalType': 'FederatedUser', 'aws:userid': `${account}:${name}` }
  keys['aws:PrincipalType'] = 'AssumedRole'
  if (kind === 'assumed-role') {
    // Its role's ARN; the path is not to be seen in a session's ARN.
    keys['aws:PrincipalArn'] = `arn:${field(principal, 1)}:iam::${account}:role/${rest[0]}`
    keys['aws:userid'] = `AROAUNKNOWNROLEID000:${name}`
  }
  return keys
}

function named(what, documents) {
  return documents.map((policy, position) => ({ name: `${what}[${position}]`, policy: document(`${what}[${position}]`, policy) }))
}

function levels(what, lists) {
  return lists.map((list, level) => ({ orgIdentifier: `level-${level}`, policies: named(`${what}[${level}]`, list) }))
}

/** The simulator puts RCPFullAWSAccess on every level itself, and takes nothing else that allows. */
function withoutFullAccess(level) {
  const plain = (policy) => {
    const statements = [policy?.Statement].flat()
    return statements.every(
      (statement) =>
        statement?.Effect === 'Allow' &&
        !statement.Condition &&
        [statement.Action, statement.Resource, statement.Principal?.AWS ?? statement.Principal].every((part) => [part].flat().includes('*'))
    )
  }
  return { ...level, policies: level.policies.filter(({ policy }) => !plain(policy)) }
}

/** Session policies allow together; the simulator takes one document. */
function sessionPolicyOf(session) {
  if (session === null || session === undefined) return undefined
  if (session.length === 0) throw new Skipped('empty_session')
  const documents = session.map((policy, position) => document(`session[${position}]`, policy))
  if (documents.length === 1) return documents[0]
  const versions = new Set(documents.map((policy) => policy.Version ?? '2008-10-17'))
  const known = documents.every((policy) => Object.keys(policy).every((key) => ['Version', 'Id', 'Statement'].includes(key)))
  if (versions.size > 1 || !known) throw new Skipped('several_session_policies')
  const statements = documents.flatMap((policy) => policy.Statement)
  const sids = statements.map((statement) => statement?.Sid).filter((sid) => sid !== undefined)
  if (new Set(sids).size < sids.length) throw new Skipped('several_session_policies')
  return { Version: [...versions][0], Statement: statements }
}

/** A document as a value. The simulator takes no text, so it cannot see a member that stands in it twice. */
function document(name, policy) {
  if (typeof policy !== 'string') return policy
  let parsed
  try {
    parsed = JSON.parse(policy)
  } catch (error) {
    throw new Unusable(name, `${name}: ${error.message}`)
  }
  if (members(policy) !== members(JSON.stringify(parsed))) throw new Skipped('duplicate_members')
  if (parsed === null || typeof parsed !== 'object') throw new Unusable(name, `${name}: not an object`)
  return parsed
}

/** Number of members in a JSON text: colons outside of texts. */
function members(json) {
  return json.replace(/"(?:[^"\\]|\\.)*"/g, '').split(':').length
}

function refuse(errors) {
  if (LACKING[errors.message]) throw new Skipped(LACKING[errors.message])
  const { message, ...rest } = errors
  // It holds these to the grammar of saving, and a case may hold what nobody can save.
  if (rest.resourceControlPolicyErrors) throw new Skipped('unsavable_rcp')
  if (rest.vpcEndpointErrors) throw new Skipped('vpc_endpoint_principal')
  const details = Object.entries(rest).map(([what, list]) => `${what}: ${JSON.stringify(list)}`)
  throw new Unusable(undefined, [message, ...details].join(' '))
}

/** What each kind of policy said, in the simulator's words. */
function explain(analysis) {
  const parts = {
    session: analysis.sessionAnalysis,
    identity: analysis.identityAnalysis,
    resource: analysis.resourceAnalysis,
    scp: analysis.scpAnalysis,
    rcp: analysis.rcpAnalysis,
    boundary: analysis.permissionBoundaryAnalysis,
    endpoint: analysis.endpointAnalysis
  }
  const said = Object.entries(parts).flatMap(([name, part]) => (part ? [`${name} ${part.result}`] : []))
  if (analysis.blockedBy?.length) said.push(`blocked by ${analysis.blockedBy.join(', ')}`)
  return said.join(' · ')
}

function version() {
  const main = createRequire(import.meta.url).resolve('@cloud-copilot/iam-simulate')
  const require = createRequire(main)
  const root = main.slice(0, main.lastIndexOf('/dist/'))
  return require(`${root}/package.json`).version
}
