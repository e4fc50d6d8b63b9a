package store

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
)

// Explanation tells how a query is answered and what it took. Its MessagePack
// form is a map of the names in brackets.
type Explanation struct {
	Index     string // [index] the index read; empty: the documents themselves, by identity; several are joined by " + "
	Ranges    int    // [ranges] how many ranges of it
	Merged    bool   // [merged] the ranges are read at once, to keep an order
	Reverse   bool   // [reverse] from the end to the beginning
	Sorted    bool   // [sorted] the documents had to be sorted
	Filtered  bool   // [filtered] something of the filter was left to be matched
	Keys      int64  // [keys] entries looked at
	Documents int64  // [documents] fetched
	Results   int64  // [results] delivered: documents, or rows of an aggregate
	Cached    bool   // [cached] which ones was known from before: see Table.CacheQueries
}

// Explain runs a query as Find does and tells how it went.
func (t *Table) Explain(tx *Tx, q *query.Query) (*Explanation, error) {
	s, err := t.begin(tx, q, false)
	if err != nil {
		return nil, err
	}
	defer s.close()
	results := int64(0)
	if err := s.run(func([]byte) error { results++; return nil }); err != nil {
		return nil, err
	}
	x := &Explanation{
		Sorted:    !s.plan.Ordered,
		Keys:      s.keys,
		Documents: s.documents,
		Results:   results,
		Cached:    s.cached,
	}
	parts := s.plan.Union
	if parts == nil {
		parts = []*query.Plan{s.plan}
	}
	for i, part := range parts {
		if i > 0 {
			x.Index += " + "
		}
		if part.Index >= 0 {
			x.Index += s.schema.Indexes[part.Index].Name
		}
		x.Ranges += len(part.Ranges)
		x.Merged = x.Merged || part.Merge != nil
		x.Reverse = x.Reverse || part.Reverse
		x.Filtered = x.Filtered || part.Residual != nil
	}
	return x, nil
}

// Append appends the explanation in MessagePack.
func (x *Explanation) Append(dst []byte) []byte {
	dst = msgp.AppendMapHeader(dst, 10)
	dst = msgp.AppendString(msgp.AppendString(dst, "index"), x.Index)
	dst = msgp.AppendInt(msgp.AppendString(dst, "ranges"), x.Ranges)
	dst = msgp.AppendBool(msgp.AppendString(dst, "merged"), x.Merged)
	dst = msgp.AppendBool(msgp.AppendString(dst, "reverse"), x.Reverse)
	dst = msgp.AppendBool(msgp.AppendString(dst, "sorted"), x.Sorted)
	dst = msgp.AppendBool(msgp.AppendString(dst, "filtered"), x.Filtered)
	dst = msgp.AppendInt64(msgp.AppendString(dst, "keys"), x.Keys)
	dst = msgp.AppendInt64(msgp.AppendString(dst, "documents"), x.Documents)
	dst = msgp.AppendInt64(msgp.AppendString(dst, "results"), x.Results)
	return msgp.AppendBool(msgp.AppendString(dst, "cached"), x.Cached)
}
