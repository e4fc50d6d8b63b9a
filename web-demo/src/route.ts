// The address of a page, after the #: /country/NO, /search/oslo, or / for the countries.

export type Route =
  | { page: 'countries'; region: string } // region '' is the whole world
  | { page: 'country'; code: string }
  | { page: 'search'; text: string }

export function currentRoute(): Route {
  const [, page, rest = ''] = decode(location.hash.slice(1)).split('/', 3)
  if (page === 'country' && rest) return { page, code: rest }
  if (page === 'search' && rest) return { page, text: rest }
  return { page: 'countries', region: page === 'region' ? rest : '' }
}

export function address(route: Route): string {
  switch (route.page) {
    case 'country':
      return `#/country/${encodeURIComponent(route.code)}`
    case 'search':
      return `#/search/${encodeURIComponent(route.text)}`
    case 'countries':
      return route.region ? `#/region/${encodeURIComponent(route.region)}` : '#/'
  }
}

/** An address somebody mistyped is no reason to stop. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
