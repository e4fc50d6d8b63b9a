import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundled } from './bundle.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.map': 'application/json',
  '.wasm': 'application/wasm',
}

/**
 * Serves the page on a free port of 127.0.0.1, as a static host would: cacheable,
 * so that a browser that comes back finds compiled code. Each peer gets a server
 * of its own, for a port is an origin and an origin a folder in the profile: the
 * bytes of peers can be told apart, and none waits for another's queue.
 *
 * @param {string} stowage the folder that holds Stowage's index.js, served as /stowage/
 * @param {string} [made] a folder of what was made for the page, served as /made/
 * @returns {Promise<{port: number, url: string, close: () => Promise<void>}>}
 */
export async function serve(stowage, made) {
  const server = createServer((request, response) => void answer({ stowage, made }, request, response))
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  return {
    port,
    url: `http://127.0.0.1:${port}/page.html`,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(folders, request, response) {
  try {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://bench').pathname))
    const body = path.startsWith('/bundled/') ? await bundled(path.slice('/bundled/'.length, -'.js'.length)) : await readFile(fileOf(path, folders))
    response.writeHead(200, {
      'content-type': types[extname(path)] ?? 'application/octet-stream',
      'cache-control': 'max-age=3600',
    })
    response.end(body)
  } catch {
    response.writeHead(404).end()
  }
}

/** The path is normalised and starts with a slash: it cannot climb out of the folder. */
function fileOf(path, folders) {
  const [, first, ...rest] = path.split('/')
  return folders[first] ? join(folders[first], ...rest) : join(here, path)
}
