/* A worker without anything, to hold others against. */
export default { fetch: () => Response.json(null) }
