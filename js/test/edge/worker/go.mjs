// Runs the tests of a Go package: their program gets the bindings as one under github.com/syumai/workers does.
import './wasm_exec.js'
import program from './tests.wasm'

export default {
  async fetch(request, env, ctx) {
    globalThis.context = { env, ctx, binding: {} }
    let output = ''
    console.log = (...line) => {
      output += `${line.join(' ')}\n`
    }
    const go = new Go()
    go.argv = ['tests', '-test.v', ...new URL(request.url).searchParams.getAll('flag')]
    let code = -1
    go.exit = exit => {
      code = exit
    }
    await go.run(new WebAssembly.Instance(program, go.importObject))
    return Response.json({ code, output })
  },
}
