package sql

import (
	"slices"

	"github.com/stowage-db/stowage/query/sql/value"
)

// complete has an origin show all members of a table of documents, which are found only
// where somebody asks for all of them. Columns that are known already stay where they are.
func (o *origin) complete() {
	if o.whole || o.table == nil || o.table.Members == nil {
		return
	}
	members, err := o.table.Members()
	if err != nil {
		panic(wrap(err, o.pos))
	}
	o.whole = true
	o.shown = make([]int, len(members))
	for n, m := range members {
		i := slices.IndexFunc(o.columns, func(known originColumn) bool { return known.name == m.Name })
		if i < 0 {
			i = len(o.columns)
			o.columns = append(o.columns, originColumn{name: m.Name, folded: value.Fold(m.Name), slot: -1,
				affinity: columnAffinity(m.Affinity), collation: m.Collation, path: m.Path})
		}
		o.columns[i].hidden = m.Hidden
		o.shown[n] = i
	}
}

// starred are the columns that * stands for, by their positions and in its order.
func (o *origin) starred() []int {
	o.complete()
	shown := o.shown
	if !o.whole {
		shown = make([]int, len(o.columns))
		for i := range shown {
			shown[i] = i
		}
	}
	return slices.DeleteFunc(slices.Clone(shown), func(i int) bool { return o.columns[i].hidden })
}
