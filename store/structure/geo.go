package structure

import (
	"cmp"
	"math"
	"slices"

	"github.com/stowage-db/stowage/store"
)

// Unit is a unit of length, in metres.
type Unit float64

// Units of length. Where none is given it is metres.
const (
	Metres     Unit = 1
	Kilometres Unit = 1000
	Miles      Unit = 1609.34
	Feet       Unit = 0.3048
)

// Place is a member of a geospatial set, which is a sorted set, with where it is:
// degrees, within ±180 east and ±85.05112878 north. It is kept to about half a metre.
type Place struct {
	Member              string
	Longitude, Latitude float64
}

// GeoQuery is what GeoSearch looks for: what lies within Radius of a place, or in a box
// of Width and Height around it.
type GeoQuery struct {
	Member              string // the place in the middle, one of the set, or where this is empty
	Longitude, Latitude float64
	Radius              float64 // or
	Width, Height       float64
	Unit                Unit
	Count               int  // only so many, the nearest; the farthest where Desc; 0 is all
	Desc                bool // the farthest first, rather than the nearest
}

// Found is a place that a search found.
type Found struct {
	Place
	Distance float64 // from the middle, in the unit of the query
}

// GeoAdd sets where members are, and tells how many of them are new. InvalidArgument
// for a place that is not on the map.
func (t *Tx) GeoAdd(key string, places ...Place) (int64, error) {
	members := make([]Z, len(places))
	for i, p := range places {
		if !onMap(p.Longitude, p.Latitude) {
			return 0, fail(store.InvalidArgument, "geoadd: longitude or latitude", nil)
		}
		members[i] = Z{p.Member, geoScore(p.Longitude, p.Latitude)}
	}
	return t.ZAdd(key, members...)
}

func onMap(longitude, latitude float64) bool {
	return math.Abs(longitude) <= longitudes && math.Abs(latitude) <= latitudes // false for NaN
}

// GeoPos returns where a member is, as it is kept, and whether there is such a member.
func (t *Tx) GeoPos(key, member string) (p Place, found bool, err error) {
	score, found, err := t.ZScore(key, member)
	if err != nil || !found {
		return Place{}, false, err
	}
	p.Member = member
	p.Longitude, p.Latitude = geoPlace(score)
	return p, true, nil
}

// GeoDist returns how far two members are from each other, and whether there are both.
func (t *Tx) GeoDist(key, a, b string, unit Unit) (distance float64, found bool, err error) {
	if !unit.valid() {
		return 0, false, fail(store.InvalidArgument, "geodist: unit", nil)
	}
	from, found, err := t.GeoPos(key, a)
	if err != nil || !found {
		return 0, false, err
	}
	to, found, err := t.GeoPos(key, b)
	if err != nil || !found {
		return 0, false, err
	}
	return geoDistance(from.Longitude, from.Latitude, to.Longitude, to.Latitude) / unit.metres(), true, nil
}

func (u Unit) metres() float64 {
	if u == 0 {
		return 1
	}
	return float64(u)
}

// valid tells whether a unit measures anything.
func (u Unit) valid() bool { return u.metres() > 0 && !math.IsInf(float64(u), 1) }

// GeoSearch returns the places in an area, by their distance from its middle. NotFound
// where the member in the middle is none of the set; InvalidArgument for a middle that
// is not on the map, and where there is not one of radius and box.
func (t *Tx) GeoSearch(key string, q GeoQuery) ([]Found, error) {
	area, exists, err := t.area(key, q)
	if err != nil || !exists {
		return nil, err
	}
	var found []Found
	for _, b := range area.scores() {
		members, err := t.zrangeByScore("geosearch", key, b, Page{}, false)
		if err != nil {
			return nil, err
		}
		for _, z := range members {
			p := Place{Member: z.Member}
			p.Longitude, p.Latitude = geoPlace(z.Score)
			if metres, inside := area.distance(p.Longitude, p.Latitude); inside {
				found = append(found, Found{p, metres / q.Unit.metres()})
			}
		}
	}
	slices.SortFunc(found, func(a, b Found) int {
		order := cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Member, b.Member))
		if q.Desc {
			return -order
		}
		return order
	})
	if q.Count > 0 && q.Count < len(found) {
		found = found[:q.Count]
	}
	return found, nil
}

// area is where a query looks, and whether there is anything to be looked through.
func (t *Tx) area(key string, q GeoQuery) (a geoArea, exists bool, err error) {
	unit := q.Unit.metres()
	a = geoArea{q.Longitude, q.Latitude, q.Radius * unit, q.Width * unit, q.Height * unit}
	circle, box := a.radius > 0 && a.width == 0 && a.height == 0, a.radius == 0 && a.width > 0 && a.height > 0
	if q.Count < 0 || !q.Unit.valid() || !circle && !box {
		return a, false, fail(store.InvalidArgument, "geosearch: a radius or a box, and a unit", nil)
	}
	_, exists, err = t.holding("geosearch", key, SortedSet)
	if err != nil || !exists {
		return a, false, err
	}
	if q.Member != "" {
		middle, found, err := t.GeoPos(key, q.Member)
		if err == nil && !found {
			err = fail(store.NotFound, "geosearch: member", nil)
		}
		a.longitude, a.latitude = middle.Longitude, middle.Latitude
		return a, true, err
	}
	if !onMap(q.Longitude, q.Latitude) {
		return a, false, fail(store.InvalidArgument, "geosearch: longitude or latitude", nil)
	}
	return a, true, nil
}
