// worker.ts
import type { Counter } from './counter.js'
export { Counter } from './counter.js'

interface Env {
  COUNTER: DurableObjectNamespace<Counter>
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const counter = env.COUNTER.getByName(new URL(request.url).pathname)
    return Response.json(await counter.up())
  },
}
