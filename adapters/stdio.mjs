// The stdio protocol for an adapter in JavaScript: one JSON object a line in, one a line out. An adapter gives `serve` its hello and a
// function that answers one evaluator request; everything else is here.

import { createInterface } from 'node:readline'

/** Thrown by an adapter that lacks what a request needs: the answer names the capability, never the test. */
export class Skipped extends Error {
  constructor(capability) {
    super(`skipped: ${capability}`)
    this.capability = capability
  }
}

/** Thrown by an adapter for a document that its implementation cannot use. */
export class Unusable extends Error {
  constructor(document, message) {
    super(message)
    this.document = document
  }
}

/** Answers lines until `bye` or the end of the input. */
export async function serve(hello, evaluate) {
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    let request
    try {
      request = JSON.parse(line)
    } catch (error) {
      reply({ error: { message: `not JSON: ${error.message}` } })
      continue
    }
    if (request.cmd === 'bye') break
    if (request.cmd === 'hello') {
      reply({ protocol: 1, ...hello })
    } else if (request.cmd === 'evaluate') {
      reply({ seq: request.seq, ...(await answer(request.evaluate, evaluate)) })
    } else {
      reply({ seq: request.seq, unsupported: true })
    }
  }
}

async function answer(question, evaluate) {
  try {
    return await evaluate(question)
  } catch (error) {
    if (error instanceof Skipped) return { skipped: error.capability }
    if (error instanceof Unusable) return { error: { message: error.message, document: error.document } }
    throw error // A fault of the adapter: the process ends, and the harness says so.
  }
}

function reply(answer) {
  process.stdout.write(JSON.stringify(answer) + '\n')
}
