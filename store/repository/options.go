package repository

import (
	"slices"
	"strconv"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/structure"
)

// Option tells what a query asks for.
type Option func(*options)

// options are what a query asks for.
type options struct {
	given              optionSet // of those that kinds of repositories differ in
	noMemory           bool
	fields             []string
	page, pageSize     int64
	minScore, maxScore float64
	near               structure.GeoQuery
	count              int
}

// optionSet is a set of options.
type optionSet uint8

const (
	optionFields optionSet = 1 << iota
	optionReverse
	optionPage
	optionMinScore
	optionMaxScore
	optionNear
	optionCount
)

// only fails with InvalidQuery where other options were given than a kind of repository has.
func (o *options) only(known optionSet) error {
	if o.given&^known != 0 {
		return fail(store.InvalidQuery, "repository: an option that this kind of repository does not have", nil)
	}
	return nil
}

// NoMemory has a query ask the fallback alone, and leave the fast tier as it is.
func NoMemory() Option { return func(o *options) { o.noMemory = true } }

// Fields are those of a hash that are wanted; the others stay zero.
func Fields(names ...string) Option {
	return func(o *options) {
		o.given |= optionFields
		o.fields = append([]string{}, names...)
	}
}

// Reverse has the members of a sorted set come from the greatest score.
func Reverse() Option { return func(o *options) { o.given |= optionReverse } }

// Page is which page of the members of a sorted set is wanted, 1 being the first, and how
// many there are on one. Pages are those of what is within the scores that are asked for.
func Page(number, size int64) Option {
	return func(o *options) {
		o.given |= optionPage
		o.page, o.pageSize = number, size
	}
}

// MinScore is the least score of members of a sorted set that are wanted.
func MinScore(score float64) Option {
	return func(o *options) {
		o.given |= optionMinScore
		o.minScore = score
	}
}

// MaxScore is the greatest score of members of a sorted set that are wanted.
func MaxScore(score float64) Option {
	return func(o *options) {
		o.given |= optionMaxScore
		o.maxScore = score
	}
}

// Near is around which place, and within what distance, the wanted members of a geo are.
func Near(longitude, latitude, distance float64, unit structure.Unit) Option {
	return func(o *options) {
		o.given |= optionNear
		o.near = structure.GeoQuery{Longitude: longitude, Latitude: latitude, Radius: distance, Unit: unit}
	}
}

// Count is how many members of a geo are wanted, the nearest; 0 is all that are near.
func Count(most int) Option {
	return func(o *options) {
		o.given |= optionCount
		o.count = most
	}
}

// text tells options apart that may have different answers, and no others. It is empty
// where nothing but the whole was asked for.
func (o *options) text() string {
	if o.given == 0 {
		return ""
	}
	b := strconv.AppendUint(nil, uint64(o.given), 10)
	for _, name := range slices.Compact(slices.Sorted(slices.Values(o.fields))) {
		b = strconv.AppendQuote(append(b, ' '), name)
	}
	for _, number := range []int64{o.page, o.pageSize, int64(o.count)} {
		b = strconv.AppendInt(append(b, ' '), number, 10)
	}
	for _, number := range []float64{o.minScore, o.maxScore, o.near.Longitude, o.near.Latitude, o.near.Radius, float64(o.near.Unit)} {
		b = strconv.AppendFloat(append(b, ' '), number, 'g', -1, 64)
	}
	return string(b)
}
