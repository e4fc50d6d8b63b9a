package repository

import (
	"math"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/structure"
)

// SortedSet is an entity whose members have scores.
type SortedSet[K comparable] struct {
	ID      K
	Members []structure.Z // those that were asked for, by score, then by their bytes
	Size    int64         // how many there are, whatever was asked for; it is only read
}

// NewSortedSet returns a repository of sorted sets. Members that are added join those
// that there are. Queries take Reverse, Page, MinScore and MaxScore, all at once if need
// be; where nothing is within them it is as if there were no entity.
func NewSortedSet[K comparable](config Config) (*Repository[SortedSet[K], K], error) {
	return newRepository[SortedSet[K], K](config, sortedSet[K]{})
}

// sortedSet is the form of sorted sets.
type sortedSet[K comparable] struct{}

func (sortedSet[K]) kind() (Kind, bool) { return KindSortedSet, true }

func (sortedSet[K]) key(entity SortedSet[K]) K { return entity.ID }

func (sortedSet[K]) encode(entity SortedSet[K]) (Value, error) {
	for _, z := range entity.Members {
		if z.Member == "" || math.IsNaN(z.Score) {
			return Value{}, fail(store.InvalidDocument, "repository: a member or a score is missing", nil)
		}
	}
	if len(entity.Members) == 0 {
		return Value{}, fail(store.InvalidDocument, "repository: no members", nil)
	}
	return Value{Members: entity.Members}, nil
}

func (sortedSet[K]) ask(o *options) (Read, bool, error) {
	if err := o.only(optionReverse | optionPage | optionMinScore | optionMaxScore); err != nil {
		return Read{}, false, err
	}
	r := All
	r.Reverse = o.given&optionReverse != 0
	if o.given&optionPage != 0 {
		if o.page < 1 || o.pageSize < 1 || o.page > math.MaxInt64/o.pageSize {
			return Read{}, false, fail(store.InvalidQuery, "repository: page", nil)
		}
		r.Page = structure.Page{Offset: (o.page - 1) * o.pageSize, Count: o.pageSize}
	}
	if o.given&optionMinScore != 0 {
		r.Bounds.Min = o.minScore
	}
	if o.given&optionMaxScore != 0 {
		r.Bounds.Max = o.maxScore
	}
	if math.IsNaN(r.Bounds.Min) || math.IsNaN(r.Bounds.Max) {
		return Read{}, false, fail(store.InvalidQuery, "repository: a score that is no number", nil)
	}
	return Read{Kind: KindSortedSet, Range: r}, o.given&^optionReverse != 0, nil
}

func (sortedSet[K]) decode(id K, value Value) (SortedSet[K], bool, error) {
	return SortedSet[K]{id, value.Members, value.Size}, len(value.Members) > 0, nil
}
