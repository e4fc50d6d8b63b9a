package repository

import (
	"math"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/structure"
)

// Geo is an entity whose members are places on the earth.
type Geo[K comparable] struct {
	ID      K
	Members []Place // those that were asked for, the nearest first
}

// Place is where a member is: degrees, kept to about half a metre.
type Place struct {
	Member              string
	Longitude, Latitude float64
	Distance            float64 // from the middle of the query, in its unit; it is only read
}

// NewGeo returns a repository of places. Members that are added join those that there
// are, or move. Queries must say Near what, and take Count; where nothing is near it is
// as if there were no entity.
func NewGeo[K comparable](config Config) (*Repository[Geo[K], K], error) {
	return newRepository[Geo[K], K](config, geo[K]{})
}

// geo is the form of places.
type geo[K comparable] struct{}

func (geo[K]) kind() (Kind, bool) { return KindGeo, true }

func (geo[K]) key(entity Geo[K]) K { return entity.ID }

func (geo[K]) encode(entity Geo[K]) (Value, error) {
	found := make([]structure.Found, len(entity.Members))
	for i, p := range entity.Members {
		if p.Member == "" || !onMap(p.Longitude, p.Latitude) {
			return Value{}, fail(store.InvalidDocument, "repository: a member, its longitude or its latitude", nil)
		}
		found[i].Place = structure.Place{Member: p.Member, Longitude: p.Longitude, Latitude: p.Latitude}
	}
	if len(found) == 0 {
		return Value{}, fail(store.InvalidDocument, "repository: no members", nil)
	}
	return Value{Places: found}, nil
}

// onMap tells whether a place can be kept; see structure.Place.
func onMap(longitude, latitude float64) bool {
	return math.Abs(longitude) <= 180 && math.Abs(latitude) <= 85.05112878 // false for NaN
}

func (geo[K]) ask(o *options) (Read, bool, error) {
	if err := o.only(optionNear | optionCount); err != nil {
		return Read{}, false, err
	}
	q := o.near
	if o.given&optionNear == 0 || !onMap(q.Longitude, q.Latitude) || !(q.Radius > 0) || !(q.Unit >= 0) || math.IsInf(float64(q.Unit), 1) || o.count < 0 {
		return Read{}, false, fail(store.InvalidQuery, "repository: near what, and how near", nil)
	}
	q.Count = o.count
	return Read{Kind: KindGeo, Search: q}, true, nil
}

func (geo[K]) decode(id K, value Value) (entity Geo[K], found bool, err error) {
	entity = Geo[K]{ID: id, Members: make([]Place, len(value.Places))}
	for i, p := range value.Places {
		entity.Members[i] = Place{p.Member, p.Longitude, p.Latitude, p.Distance}
	}
	return entity, len(entity.Members) > 0, nil
}
